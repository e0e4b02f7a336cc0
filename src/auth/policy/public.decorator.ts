import { SetMetadata } from '@nestjs/common';
import type { MillraceRequest } from '../../common/http/request-context.js';
import type { MillraceConfig } from '../../config/millrace-config.js';

export const PUBLIC_KEY = 'millrace:public';

/** Anybody may call the route. Only for health and, later, log-in and signed webhooks. */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(PUBLIC_KEY, true);
}

export const OPENING_KEY = 'millrace:opening';

/** A case in which a route that requires a scope is open to anybody. */
export interface Opening {
  /** For documents, behind "anybody": `with PUBLIC_BADGES=true`. */
  readonly when: string;
  isOpen(request: MillraceRequest, config: MillraceConfig): boolean;
}

/** Stands beside `@Requires`: who has no token may call the route in that case. */
export function PublicIf(opening: Opening): MethodDecorator & ClassDecorator {
  return SetMetadata(OPENING_KEY, opening);
}
