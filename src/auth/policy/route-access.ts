import type { Reflector } from '@nestjs/core';
import type { RouteHandler } from '../../common/http/controller-routes.js';
import type { Scope } from './policy.js';
import { OPENING_KEY, PUBLIC_KEY, type Opening } from './public.decorator.js';
import { REQUIRED_SCOPE_KEY } from './requires.decorator.js';

/** Who may call a route. */
export type RouteAccess =
  | { readonly kind: 'public' }
  | { readonly kind: 'scope'; readonly scope: Scope; readonly opening?: Opening };

/**
 * What the decorators of a route say; those of the method go before those of its class. A text says
 * why they do not say who may call it.
 */
export function routeAccess(
  reflector: Reflector,
  { handler, controller }: RouteHandler,
): RouteAccess | string {
  for (const target of [handler, controller]) {
    const isPublic = reflector.get<boolean | undefined>(PUBLIC_KEY, target) === true;
    const scope = reflector.get<Scope | undefined>(REQUIRED_SCOPE_KEY, target);
    const opening = reflector.get<Opening | undefined>(OPENING_KEY, target);
    if (isPublic) {
      if (scope === undefined && opening === undefined) return { kind: 'public' };
      return '@Public() stands beside @Requires or @PublicIf';
    }
    if (scope !== undefined) {
      return opening === undefined ? { kind: 'scope', scope } : { kind: 'scope', scope, opening };
    }
    if (opening !== undefined) return '@PublicIf stands without @Requires';
  }
  return 'it has neither @Requires nor @Public()';
}
