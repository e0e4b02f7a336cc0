import { afterEnd, NO_RESTARTS, type RestartHistory } from './restart-policy.js';

const rule = { max: 10, window_ms: 60_000, backoff_ms: { first: 500, most: 30_000 } };

/** Waits before the starts of a program that ends at once, each time. */
function waits(count: number, max = count): number[] {
  let history: RestartHistory = NO_RESTARTS;
  let now = 1_000_000;
  return Array.from({ length: count }, () => {
    const next = afterEnd({ ...rule, max }, history, { ranMs: 0, now });
    if (next.kind === 'failed') throw new Error('failed');
    history = next.history;
    now += next.inMs;
    return next.inMs;
  });
}

describe('what becomes of a program that ends', () => {
  it('waits longer each time, up to the cap', () => {
    expect(waits(8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('begins with the first wait again when it ran for the window', () => {
    const history = { failures: 5, moments: [], total: 5 };
    expect(afterEnd(rule, history, { ranMs: 59_999, now: 0 })).toMatchObject({ inMs: 16_000 });
    expect(afterEnd(rule, history, { ranMs: 60_000, now: 0 })).toMatchObject({ inMs: 500 });
  });

  it('fails with the end after the last start that it may have within the window', () => {
    const moments = [1, 2, 3];
    const history = { failures: 3, moments, total: 3 };
    const three = { ...rule, max: 3 };
    expect(afterEnd(three, history, { ranMs: 0, now: 60_000 })).toEqual({ kind: 'failed' });
    expect(afterEnd(three, history, { ranMs: 0, now: 60_001 })).toEqual({
      kind: 'restart',
      inMs: 4000,
      history: { failures: 4, moments: [2, 3, 60_001], total: 4 },
    });
    expect(afterEnd({ ...rule, max: 0 }, NO_RESTARTS, { ranMs: 0, now: 0 }).kind).toBe('failed');
  });

  it('does not count what a clock that was put back shows in the future', () => {
    const history = { failures: 1, moments: [500_000], total: 1 };
    expect(afterEnd({ ...rule, max: 1 }, history, { ranMs: 0, now: 1 }).kind).toBe('restart');
  });

  it('never waits for ever, however often it has ended', () => {
    const history = { failures: 5000, moments: [], total: 5000 };
    expect(afterEnd(rule, history, { ranMs: 0, now: 0 })).toMatchObject({ inMs: 30_000 });
  });
});
