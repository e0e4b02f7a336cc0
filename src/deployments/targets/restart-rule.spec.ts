import { restartRule } from './restart-rule.js';

const PAUSES = { first: 500, most: 30_000 };

describe('the rule of restarts', () => {
  it('has the pauses of what runs it, where the limit names none', () => {
    expect(restartRule({ max: 3, windowMs: 60_000 }, PAUSES)).toEqual({
      ...{ max: 3, window_ms: 60_000, backoff_ms: PAUSES },
    });
  });

  it.each([
    [2_000, 30_000],
    [300_000, 300_000],
  ])('begins with a pause of %d ms, and ends at one of %d', (backoffMs, most) => {
    const rule = restartRule({ max: 3, windowMs: 60_000, backoffMs }, PAUSES);
    expect(rule.backoff_ms).toEqual({ first: backoffMs, most });
  });
});
