import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { clientNetwork } from '../../common/http/client-address.js';
import { tooManyRequests } from '../../common/http/rate-limit.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { RateLimits } from './rate-limits.js';

/**
 * For routes by which somebody unknown becomes known, some of which ask the forge: one count for
 * each client address over all of these routes and all API processes (`LOGIN_LIMIT`).
 */
@Injectable()
export class LoginLimitGuard implements CanActivate {
  constructor(private readonly limits: RateLimits) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<MillraceRequest>();
    const verdict = this.limits.logIns.take(clientNetwork(request.clientAddress));
    if (verdict.allowed) return true;
    throw tooManyRequests(request, verdict, 'The client logs in, or refreshes, too often.');
  }
}
