import type { Release } from '../record/deployment.js';

/**
 * Releases that may go: of those that have served, all but the newest `keep`. What is needed is
 * never among them, and counts; what drains has an instance still.
 *
 * @param needed ids: what serves, and what served before it
 */
export function expiredReleases(
  releases: readonly Release[],
  keep: number,
  needed: readonly string[],
): readonly Release[] {
  const served = releases
    .filter(
      ({ status, served_at: at }) => at !== null && status !== 'removed' && status !== 'draining',
    )
    .sort((a, b) => b.number - a.number);
  const others = served.filter(({ _id }) => !needed.includes(_id));
  const room = Math.max(0, keep - (served.length - others.length));
  return others.slice(room);
}
