import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { MillraceError } from '../common/errors/millrace.error.js';
import { clientNetwork } from '../common/http/client-address.js';
import { tooManyRequests } from '../common/http/rate-limit.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { RateLimits } from '../integrations/rate-limit/rate-limits.js';
import { AuthEvents } from './principals/auth-events.js';
import { PrincipalWatch } from './principals/principal-watch.js';
import { CSRF_HEADER, SessionCookies } from './sessions/session-cookies.js';
import { scopeMissing } from './policy/missing-scope.js';
import { tokenMissing } from './policy/missing-token.js';
import { routeAccess } from './policy/route-access.js';
import type { AuthenticatedRequest } from './principals/principal.js';

/** Methods that change nothing. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Deny by default: whoever calls a route that is not public must be known (401) and must have the
 * scope that the route requires (403). Before it nothing was read or asked, and whoever continues
 * without a good token gets 429 instead of 401 (`AUTH_FAILURE_LIMIT`); a good token is always
 * taken.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RateLimits) private readonly limits: RateLimits,
    @Inject(MillraceConfig) private readonly config: MillraceConfig,
    @Inject(SessionCookies) private readonly cookies: SessionCookies,
    @Inject(PrincipalWatch) private readonly watch: PrincipalWatch,
    @Inject(AuthEvents) private readonly events: AuthEvents,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const access = routeAccess(this.reflector, {
      handler: context.getHandler() as () => unknown,
      controller: context.getClass(),
    });
    // Such a route keeps the server from starting (`PolicyCheck`); nobody may call it all the same.
    if (typeof access === 'string') throw new Error(`${context.getClass().name}: ${access}`);
    const http = context.switchToHttp();
    const request = http.getRequest<AuthenticatedRequest>();
    this.refuseForeignPage(request);
    if (access.kind === 'public') return true;
    if (access.opening?.isOpen(request, this.config) === true) return true;
    const { principal } = request;
    if (!principal) throw this.unknown(request);
    if (!principal.scopes.has(access.scope)) {
      this.events.record({ kind: 'refused', principalId: principal.id, code: 'scope_missing' });
      throw scopeMissing(access.scope, principal.role);
    }
    this.watch.watch(principal, http.getResponse<Response>());
    return true;
  }

  /**
   * A browser sends its cookie with requests of any page, so what changes something must show that
   * it comes from a page that may read our answers. On public routes too: they may act for whoever
   * is known.
   */
  private refuseForeignPage({ principal, method, headers }: AuthenticatedRequest): void {
    const credential = principal?.credential;
    if (credential?.kind !== 'session' || credential.by !== 'cookie') return;
    if (READING.has(method)) return;
    const header = headers[CSRF_HEADER];
    if (this.cookies.isOwnPage(credential.id, typeof header === 'string' ? header : undefined)) {
      return;
    }
    this.events.record({ kind: 'refused', principalId: principal?.id ?? '', code: 'csrf' });
    throw new MillraceError('AuthorizationError', 'The request may come from a foreign page.', {
      details: { code: 'csrf' },
      suggestions: ['Send `csrf_token` of GET /api/sessions/me as the header X-CSRF-Token.'],
    });
  }

  private unknown(request: AuthenticatedRequest): unknown {
    if (request.unidentified !== undefined) return request.unidentified;
    const verdict = this.limits.authFailures.take(clientNetwork(request.clientAddress));
    if (!verdict.allowed) {
      const message = 'The client sends too many requests with a missing or wrong token.';
      return tooManyRequests(request, verdict, message);
    }
    return tokenMissing(request.headers.authorization);
  }
}
