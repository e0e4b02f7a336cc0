import type { NextFunction, Request, Response } from 'express';
import { MillraceError } from '../errors/millrace.error.js';
import { clientNetwork } from './client-address.js';
import type { MillraceRequest } from './request-context.js';

/** What a limiter says of one request (`integrations/rate-limit/rate-limiter.ts`). */
export interface LimitVerdict {
  readonly allowed: boolean;
  /** 0 = there is no limit. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly resetSeconds: number;
  readonly retryAfterSeconds: number;
  /** True once for each client and window. */
  readonly isNews: boolean;
}

/** Decides at once whether one more request of a client is within its limit. */
export interface ClientLimiter {
  take(client: string): LimitVerdict;
}

/**
 * Never refused: probes (a flood from one address must not take the server out of its load
 * balancer; the checks behind them are shared by all who ask), the documentation, and event
 * streams, which have limits of their own.
 */
const UNLIMITED = /^\/api\/(?:health|docs)|^\/api\/ci\/executions\/[^/]+\/events$/;

/** What forges send; they share their addresses with nobody who must wait for them. */
const WEBHOOK =
  /^\/api\/(?:webhooks\/[^/]+|repositories\/[^/]+\/webhook|ci\/pipelines\/[^/]+\/webhook)\/?$/i;

/** Whether forges ask it: they have a limit of their own. */
export function isWebhook(method: string, path: string): boolean {
  return method === 'POST' && WEBHOOK.test(path);
}

/** What a client reads that has passed the limit of its address. */
export function limitMessage(method: string, path: string): string {
  return isWebhook(method, path)
    ? 'The client sends too many webhook deliveries.'
    : 'The client sends too many requests.';
}

/** The limits of all routes. */
export interface RequestLimiters {
  /** By client address. */
  readonly requests: ClientLimiter;
  /** By client address; in the place of `requests` for what forges send. */
  readonly webhooks: ClientLimiter;
  /** By who it is: people and service accounts. */
  readonly users: ClientLimiter;
}

/**
 * Limits the requests of one client address, before anything is read or asked. Answers tell what is
 * left: `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy`, as in
 * draft-ietf-httpapi-ratelimit-headers-06.
 */
export function rateLimit({
  requests,
  webhooks,
}: Pick<RequestLimiters, 'requests' | 'webhooks'>): (
  request: Request,
  response: Response,
  next: NextFunction,
) => void {
  return (request, response, next) => {
    if (UNLIMITED.test(request.path)) {
      next();
      return;
    }
    const limiter = isWebhook(request.method, request.path) ? webhooks : requests;
    const verdict = limiter.take(clientNetwork((request as MillraceRequest).clientAddress));
    if (verdict.limit > 0) setLimitHeaders(response, verdict);
    next(
      verdict.allowed
        ? undefined
        : tooManyRequests(
            request as MillraceRequest,
            verdict,
            limitMessage(request.method, request.path),
          ),
    );
  };
}

/**
 * Limits the requests of one user or service account, from whatever addresses and with whatever
 * sessions and tokens; behind what recognizes them. The server's own token is its operator's.
 */
export function userLimit(
  limiter: ClientLimiter,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const { principal } = request as MillraceRequest;
    const isCounted = principal?.kind === 'user' || principal?.kind === 'service_account';
    if (!isCounted || UNLIMITED.test(request.path)) {
      next();
      return;
    }
    const verdict = limiter.take(principal.id);
    // Of two limits the nearer one is shown.
    const left = response.getHeader('RateLimit-Remaining');
    const isNearer = typeof left !== 'number' || verdict.remaining < left;
    if (verdict.limit > 0 && isNearer) setLimitHeaders(response, verdict);
    const message = 'The account sends too many requests.';
    next(
      verdict.allowed ? undefined : tooManyRequests(request as MillraceRequest, verdict, message),
    );
  };
}

/** 429. The first one of a client and window is logged. */
export function tooManyRequests(
  request: MillraceRequest,
  verdict: LimitVerdict,
  message: string,
): MillraceError {
  const { limit } = verdict;
  if (verdict.isNews) request.log.warn({ client: request.clientAddress, limit }, message);
  return limitPassed(verdict, message);
}

/** 429: more than a limit allows. */
export function limitPassed(
  {
    limit,
    windowSeconds,
    retryAfterSeconds,
  }: Pick<LimitVerdict, 'limit' | 'windowSeconds' | 'retryAfterSeconds'>,
  message: string,
): MillraceError {
  return new MillraceError('RateLimitError', message, {
    details: { limit, window_seconds: windowSeconds },
    retryAfterSeconds,
    suggestions: [
      `Wait ${String(retryAfterSeconds)} s (\`Retry-After\`), then send fewer requests than ${String(limit)} in ${String(windowSeconds)} s; \`RateLimit-Remaining\` tells how many are left.`,
    ],
  });
}

function setLimitHeaders(response: Response, verdict: LimitVerdict): void {
  const { limit, remaining, resetSeconds, windowSeconds } = verdict;
  response.setHeader('RateLimit-Limit', limit);
  response.setHeader('RateLimit-Remaining', remaining);
  response.setHeader('RateLimit-Reset', resetSeconds);
  response.setHeader('RateLimit-Policy', `${String(limit)};w=${String(windowSeconds)}`);
}
