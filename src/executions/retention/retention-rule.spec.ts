import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { expiredBefore, isExpired, surplusBefore } from './retention-rule.js';

const now = Date.UTC(2026, 5, 30);
const DAY = 86_400_000;

describe('retention rule', () => {
  it('0 keeps everything', () => {
    expect(expiredBefore({ days: 0, count: 5 }, now)).toBeUndefined();
    expect(surplusBefore({ days: 5, count: 0 }, now)).toBeUndefined();
  });

  it('counts days from now, and gives every execution ten minutes', () => {
    expect(expiredBefore({ days: 7, count: 0 }, now)).toEqual(new Date(now - 7 * DAY));
    expect(surplusBefore({ days: 0, count: 1 }, now)).toEqual(new Date(now - 600_000));
  });

  it('lets go only what is over', () => {
    const finished_at = new Date(now - DAY);
    const gone = RUN_STATUSES.filter((status) => isExpired({ status, finished_at }, new Date(now)));
    expect(gone).toEqual(['success', 'failed', 'cancelled', 'timeout', 'skipped']);
  });

  it('lets go nothing that ended at that time, later, or at no time', () => {
    const before = new Date(now);
    const ended = (at: number | null) => ({
      status: 'success' as const,
      finished_at: at === null ? null : new Date(at),
    });
    expect(isExpired(ended(now - 1), before)).toBe(true);
    expect(isExpired(ended(now), before)).toBe(false);
    expect(isExpired(ended(now + 1), before)).toBe(false);
    expect(isExpired(ended(null), before)).toBe(false);
  });
});
