import type { ThrottlerLimitDetail, ThrottlerStorage } from '@nestjs/throttler';
import type { RateLimiter, Verdict } from './rate-limiter.js';

type Count = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * Lets the throttler's guard count by a limiter of ours. It decides at once and never waits for a
 * store.
 */
export class LimiterStorage implements ThrottlerStorage {
  constructor(private readonly limiter: RateLimiter) {}

  increment(client: string): Promise<Count> {
    const verdict = this.limiter.take(client);
    return Promise.resolve({
      totalHits: hitsOf(verdict),
      timeToExpire: verdict.resetSeconds,
      isBlocked: !verdict.allowed,
      timeToBlockExpire: verdict.retryAfterSeconds,
    });
  }
}

/** The limiter's verdict, from what the guard kept of it; of a refused request. */
export function verdictOf(detail: ThrottlerLimitDetail): Verdict {
  const { limit, ttl, totalHits, timeToExpire, timeToBlockExpire } = detail;
  return {
    allowed: false,
    limit,
    windowSeconds: ttl / 1_000,
    remaining: 0,
    resetSeconds: timeToExpire,
    retryAfterSeconds: timeToBlockExpire,
    isNews: totalHits === limit + 1,
  };
}

/** The first refusal of a client in a window is the one behind its limit. */
function hitsOf({ allowed, limit, remaining, isNews }: Verdict): number {
  if (allowed) return limit - remaining;
  return isNews ? limit + 1 : limit + 2;
}
