import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MillraceError } from '../common/errors/millrace.error.js';
import { clientNetwork } from '../common/http/client-address.js';
import { tooManyRequests } from '../common/http/rate-limit.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { RateLimits } from '../integrations/rate-limit/rate-limits.js';
import { scopeMissing } from './policy/missing-scope.js';
import { routeAccess } from './policy/route-access.js';
import type { AuthenticatedRequest } from './principals/principal.js';

/**
 * Deny by default: whoever calls a route that is not public must be known (401) and must have the
 * scope that the route requires (403). Before it nothing was read or asked, and whoever continues
 * without a good token is told 429 instead of 401 (`AUTH_FAILURE_LIMIT`); a good token is always
 * taken.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RateLimits) private readonly limits: RateLimits,
    @Inject(MillraceConfig) private readonly config: MillraceConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const access = routeAccess(this.reflector, {
      handler: context.getHandler() as () => unknown,
      controller: context.getClass(),
    });
    // Such a route keeps the server from starting (`PolicyCheck`); nobody may call it all the same.
    if (typeof access === 'string') throw new Error(`${context.getClass().name}: ${access}`);
    if (access.kind === 'public') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (access.opening?.isOpen(request, this.config) === true) return true;
    if (!request.principal) throw this.unknown(request);
    if (request.principal.scopes.has(access.scope)) return true;
    throw scopeMissing(access.scope, request.principal.role);
  }

  private unknown(request: AuthenticatedRequest): MillraceError {
    const verdict = this.limits.authFailures.take(clientNetwork(request.clientAddress));
    if (!verdict.allowed) {
      const message = 'The client sends too many requests with a missing or wrong token.';
      return tooManyRequests(request, verdict, message);
    }
    return new MillraceError(
      'AuthenticationError',
      request.headers.authorization === undefined
        ? 'The request carries no token.'
        : 'The token of the request is not valid.',
    );
  }
}
