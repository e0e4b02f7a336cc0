import type { Release, ReleaseStatus } from '../record/deployment.js';
import { expiredReleases } from './expired-releases.js';
import { standIn } from '../../../test/support/stand-in.js';

const release = (number: number, status: ReleaseStatus = 'kept', served = true): Release =>
  standIn<Release>({ _id: `r${number}`, number, status, served_at: served ? new Date(0) : null });

const expired = (releases: readonly Release[], keep: number, needed: readonly string[]): number[] =>
  expiredReleases(releases, keep, needed).map(({ number }) => number);

describe('expiredReleases', () => {
  const four = [release(1), release(2), release(3), release(4, 'serving')];

  it('are all but the newest', () => {
    expect(expired(four, 4, ['r4', 'r3'])).toEqual([]);
    expect(expired(four, 3, ['r4', 'r3'])).toEqual([1]);
    expect(expired([...four].reverse(), 2, ['r4', 'r3'])).toEqual([2, 1]);
  });

  it('are never what serves, nor what served before it, however old', () => {
    expect(expired(four, 1, ['r1', 'r4'])).toEqual([3, 2]);
    expect(expired(four, 3, ['r1', 'r4'])).toEqual([2]);
  });

  it('are none of those that never served, or are gone', () => {
    const others = [
      release(5, 'failed', false),
      release(6, 'removed'),
      release(7, 'prepared', false),
    ];
    expect(expired([...four, ...others], 4, ['r4'])).toEqual([]);
  });
});
