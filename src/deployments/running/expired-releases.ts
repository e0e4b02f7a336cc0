import { GONE, type Release } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';

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

/**
 * Those that have not come to serve. Deployments of one service are done one after another: what
 * none has that is under way now is over.
 */
export function unfinishedReleases(releases: readonly Release[]): readonly Release[] {
  return releases.filter(({ status }) => status === 'preparing' || status === 'prepared');
}

/**
 * Ids of those that a release of the unit names which can serve.
 * @param unit id of its service; null, or undefined: there is none
 */
export async function neededByUnit(
  store: Pick<DeploymentStore, 'releasesOf'>,
  unit: string | null | undefined,
): Promise<readonly string[]> {
  const all = unit ? await store.releasesOf(unit) : [];
  return all
    .filter(({ status }) => !GONE.includes(status))
    .flatMap(({ parts = [] }) => parts.map(({ release_id: id }) => id));
}
