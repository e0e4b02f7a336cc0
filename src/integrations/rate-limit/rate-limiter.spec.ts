import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.js';
import { MemorySharedCounts } from './memory-shared-counts.js';
import { RateLimiter } from './rate-limiter.js';
import { RateLimits } from './rate-limits.js';

const windowMs = 60_000;

/** A limiter with a clock that the test moves, at the beginning of a window. */
function limiterOf(limit: number): { limiter: RateLimiter; clock: { now: number } } {
  const clock = { now: 1_000 * windowMs };
  const limiter = new RateLimiter({ name: 'test', limit, windowMs, now: () => clock.now });
  return { limiter, clock };
}

function allowed(limiter: RateLimiter, asked: number, client = 'a'): number {
  let count = 0;
  for (let i = 0; i < asked; i += 1) if (limiter.take(client).allowed) count += 1;
  return count;
}

describe('RateLimiter', () => {
  it('allows the limit and no more, for each client', () => {
    const { limiter } = limiterOf(5);
    expect(limiter.take('a')).toEqual({
      allowed: true,
      limit: 5,
      windowSeconds: 60,
      remaining: 4,
      resetSeconds: 60,
      retryAfterSeconds: 0,
      isNews: false,
    });
    expect(allowed(limiter, 10)).toBe(4);
    expect(allowed(limiter, 10, 'b')).toBe(5);
  });

  it('has no limit at 0', () => {
    const { limiter } = limiterOf(0);
    expect(allowed(limiter, 1_000)).toBe(1_000);
  });

  it('tells the first refusal of a window apart', () => {
    const { limiter, clock } = limiterOf(1);
    const news = (): boolean => limiter.take('a').isNews;
    expect([news(), news(), news()]).toEqual([false, true, false]);
    clock.now += windowMs;
    expect([news(), news()]).toEqual([true, false]);
  });

  it('lets no burst of twice the limit through around the change of windows', () => {
    const { limiter, clock } = limiterOf(100);
    clock.now += windowMs - 1;
    expect(allowed(limiter, 200)).toBe(100);
    clock.now += 1;
    expect(allowed(limiter, 200)).toBe(0);
    clock.now += windowMs / 2;
    expect(allowed(limiter, 200)).toBe(50);
    clock.now += windowMs * 2;
    expect(allowed(limiter, 200)).toBe(100);
  });

  it('is right about when the next request is allowed', () => {
    const gap = fc.integer({ min: 0, max: windowMs });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.array(gap, { maxLength: 20 }), (n, gaps) => {
        const { limiter, clock } = limiterOf(n);
        for (const each of gaps) {
          clock.now += each;
          allowed(limiter, n / 2);
        }
        let verdict = limiter.take('a');
        while (verdict.allowed) verdict = limiter.take('a');
        expect(verdict.retryAfterSeconds).toBeGreaterThanOrEqual(1);
        expect(verdict.retryAfterSeconds).toBeLessThanOrEqual(120);
        clock.now += verdict.retryAfterSeconds * 1_000;
        expect(limiter.take('a').allowed).toBe(true);
      }),
    );
  });

  it('never allows more than the limit in any span of one window, whatever the rhythm', () => {
    const gap = fc.integer({ min: 0, max: windowMs / 2 });
    fc.assert(
      fc.property(fc.array(gap, { minLength: 50, maxLength: 300 }), (gaps) => {
        const { limiter, clock } = limiterOf(10);
        const times: number[] = [];
        for (const each of gaps) {
          clock.now += each % 3 === 0 ? 0 : each;
          if (limiter.take('a').allowed) times.push(clock.now);
        }
        // The weight of the window before takes its requests as evenly spread, so a span may hold
        // some more.
        for (const [index, from] of times.entries()) {
          const within = times.slice(index).filter((time) => time < from + windowMs).length;
          expect(within).toBeLessThan(20);
        }
      }),
    );
  });

  it('forgets clients beyond 50,000, so that a flood of addresses takes no more memory', () => {
    const { limiter } = limiterOf(2);
    limiter.take('first');
    for (let i = 0; i < 50_000; i += 1) limiter.take(`client ${i}`);
    expect(limiter.take('first').remaining).toBe(1);
    expect(limiter.take('client 49999').remaining).toBe(0);
  });
});

describe('RateLimits', () => {
  const of = (shared: MemorySharedCounts, now = Date.now): RateLimits =>
    new RateLimits(
      { requests: 40, authFailures: 3, compilations: 0, logIns: 0, users: 5, webhooks: 0, now },
      shared,
    );

  it('holds over all processes that share their counts', async () => {
    const shared = new MemorySharedCounts();
    const [one, two] = [of(shared), of(shared)];
    expect(allowed(one.requests, 30)).toBe(30);
    // The other one hears of it in the answer to what it tells itself.
    let others = 0;
    await eventually(() => {
      if (others < 100 && two.requests.take('a').allowed) others += 1;
      else return others;
      return undefined;
    });
    expect(others).toBeGreaterThan(0);
    expect(others).toBeLessThanOrEqual(15);
    expect(two.requests.take('b').allowed).toBe(true);
    for (const each of [one, two]) each.onApplicationShutdown();
  });

  it('continues by itself while the store is away, and shares again when it is back', async () => {
    const shared = new MemorySharedCounts();
    const add = jest.spyOn(shared, 'add');
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation();
    shared.away = true;
    const one = of(shared);
    expect(allowed(one.authFailures, 10)).toBe(3);
    expect(allowed(one.requests, 30)).toBe(30);
    await eventually(() => add.mock.calls.length > 0 || undefined);
    expect(allowed(one.requests, 100)).toBe(10);
    const tried = add.mock.calls.length;
    expect(allowed(one.requests, 20, 'c')).toBe(20);
    await eventually(() => add.mock.calls.length > tried || undefined);
    expect(warn).toHaveBeenCalledTimes(1);
    shared.away = false;
    expect(allowed(one.requests, 20, 'b')).toBe(20);
    await eventually(() => log.mock.calls.length > 0 || undefined);
    expect(warn).toHaveBeenCalledTimes(1);
    one.onApplicationShutdown();
    warn.mockRestore();
    log.mockRestore();
  });
});
