import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Scope } from './policy.js';

export const requiredScopeKey = 'millrace:required-scope';

/** Where the OpenAPI document says which scope an operation requires. */
export const scopeExtension = 'x-required-scope';

/**
 * Only principals with this scope may call the route. Every route has this or `@Public()`; one
 * without either keeps the server from starting.
 */
export function Requires(scope: Scope): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(requiredScopeKey, scope), ApiExtension(scopeExtension, scope));
}
