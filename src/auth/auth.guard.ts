import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { MillraceRequest } from '../common/http/request-context.js';
import { MillraceError } from '../common/errors/millrace.error.js';
import { tooManyRequests } from '../common/http/rate-limit.js';
import { clientNetwork } from '../common/http/client-address.js';
import { RateLimits } from '../integrations/rate-limit/rate-limits.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { type OpeningVariable, publicIfKey, publicKey } from './public.decorator.js';

/**
 * Deny by default: a route without `@Public()` or an open `@PublicIf()` needs somebody known. Before it nothing was read or asked, and whoever goes
 * on without a good token is told 429 instead of 401 (`AUTH_FAILURE_LIMIT`); a good token is always taken.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RateLimits) private readonly limits: RateLimits,
    @Inject(MillraceConfig) private readonly config: MillraceConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<MillraceRequest>();
    if (request.actor) return true;
    const verdict = this.limits.authFailures.take(clientNetwork(request.clientAddress));
    if (!verdict.allowed) {
      const message = 'The client sends too many requests with a missing or wrong token.';
      throw tooManyRequests(request, verdict, message);
    }
    throw new MillraceError(
      'AuthenticationError',
      request.headers.authorization === undefined
        ? 'The request carries no token.'
        : 'The token of the request is not valid.',
    );
  }

  private isPublic(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(publicKey, targets)) return true;
    const opening = this.reflector.getAllAndOverride<OpeningVariable | undefined>(
      publicIfKey,
      targets,
    );
    return opening !== undefined && this.config[opening];
  }
}
