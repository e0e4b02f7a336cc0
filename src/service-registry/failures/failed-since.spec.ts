import type { ServiceStatus } from '../checks/service-status.js';
import { failedSince } from './failed-since.js';

/** @param states in order, the last one being now */
const since = (...states: readonly ServiceStatus[]): number =>
  failedSince(states.length, states.map((to, index) => ({ seq: index + 1, to })).reverse());

describe('since when a service has failed', () => {
  it('is its last change, where it ran before', () => {
    expect(since('running', 'failed')).toBe(2);
    expect(since('failed', 'running', 'failed')).toBe(3);
    expect(since('failed', 'degraded', 'failed')).toBe(3);
    expect(since('failed', 'stopped', 'failed')).toBe(3);
  });

  it('is before the times in which nobody looked', () => {
    expect(since('running', 'failed', 'unknown', 'failed', 'unknown', 'starting', 'failed')).toBe(
      2,
    );
    expect(since('running', 'unknown', 'failed')).toBe(3);
  });

  it('is known where the last change is not among those that are stored', () => {
    expect(
      failedSince(4, [
        { seq: 3, to: 'unknown' },
        { seq: 2, to: 'failed' },
      ]),
    ).toBe(2);
    expect(failedSince(4, [])).toBe(4);
  });
});
