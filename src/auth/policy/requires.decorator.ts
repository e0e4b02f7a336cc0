import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Scope } from './policy.js';

export const REQUIRED_SCOPE_KEY = 'millrace:required-scope';

/** Where the OpenAPI document says which scope an operation requires. */
export const SCOPE_EXTENSION = 'x-required-scope';

/**
 * Only principals with this scope may call the route. Every route has this or `@Public()`; one
 * without either keeps the server from starting.
 */
export function Requires(scope: Scope): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPE_KEY, scope),
    ApiExtension(SCOPE_EXTENSION, scope),
  );
}
