import type { RetryPlan } from '../plan/plan.js';
import { retryDelay } from './retry-policy.js';

const rule = (change: Partial<RetryPlan> = {}): RetryPlan => ({
  max: 10,
  on: ['failure'],
  backoff: { initialMs: 1000, factor: 2, maxMs: 5000 },
  ...change,
});

describe('retryDelay', () => {
  it('grows by the factor up to the cap', () => {
    const delays = [1, 2, 3, 4, 10].map((number) =>
      retryDelay(rule(), { number, failureClass: 'failure', exitCode: 1 }),
    );
    expect(delays).toEqual([1000, 2000, 4000, 5000, 5000]);
  });

  it('ends after max further attempts', () => {
    const attempt = { failureClass: 'failure', exitCode: 1 } as const;
    expect(retryDelay(rule({ max: 2 }), { number: 2, ...attempt })).toBeDefined();
    expect(retryDelay(rule({ max: 2 }), { number: 3, ...attempt })).toBeUndefined();
    expect(retryDelay(rule({ max: 0 }), { number: 1, ...attempt })).toBeUndefined();
  });

  it('never retries what has no class', () => {
    const on = ['failure', 'timeout', 'infrastructure', { exitCodes: [1] }] as const;
    expect(
      retryDelay(rule({ on }), { number: 1, failureClass: 'none', exitCode: 1 }),
    ).toBeUndefined();
  });

  it.each([
    ['SIGKILL', 137],
    ['SIGSEGV', 139],
    ['SIGTERM', 143],
  ])('reads %s as exit code %i', (signal, code) => {
    const attempt = { number: 1, failureClass: 'failure', signal } as const;
    expect(retryDelay(rule({ on: [{ exitCodes: [code] }] }), attempt)).toBe(1000);
    expect(retryDelay(rule({ on: [{ exitCodes: [code - 128] }] }), attempt)).toBeUndefined();
  });
});
