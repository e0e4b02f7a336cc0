import { placed, type Release, type Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import type { PlacedRelease } from '../targets/deploy-target.js';
import { expiredReleases, neededByUnit, unfinishedReleases } from './expired-releases.js';
import type { InstanceTurns } from './instance-turns.js';

export interface LeftReleasesParts {
  readonly store: DeploymentStore;
  readonly turns: InstanceTurns;
  /** @throws TargetAwayError */
  remove(release: PlacedRelease): Promise<void>;
}

/**
 * Releases that a deployment was to remove, and could not, as what they are on was away: their
 * images, files and ports go once that is there again.
 */
export class LeftReleases {
  constructor(private readonly parts: LeftReleasesParts) {}

  /**
   * @param service read behind the releases: what it says of them counts
   * @param all its releases
   * @returns numbers of those that were removed
   */
  async removeOf(service: Service, all: readonly Release[]): Promise<readonly number[]> {
    const removed: number[] = [];
    if (service.active !== null) return removed;
    for (const release of await this.leftOf(service, all)) {
      if (await this.removeOne(service, release)) removed.push(release.number);
    }
    return removed;
  }

  private async leftOf(service: Service, all: readonly Release[]): Promise<readonly Release[]> {
    const { release_id: serving, deployment_id: by } = service;
    // What the service names serves, whatever else was not written of it.
    const unfinished = unfinishedReleases(all).filter(({ _id }) => _id !== serving);
    const keep = all.find(({ _id }) => _id === serving)?.settings.keep;
    // Asked in every round: most have nothing more than what they keep.
    if (serving === null || keep === undefined) return unfinished;
    if (expiredReleases(all, keep, [serving]).length === 0) return unfinished;
    const made = by === null ? undefined : await this.parts.store.find(by);
    if (made === undefined) return unfinished;
    const before = made.previous_release_id;
    const own = [serving, ...(before === null ? [] : [before])];
    const needed = [...own, ...(await neededByUnit(this.parts.store, service.unit))];
    return [...unfinished, ...expiredReleases(all, made.settings.keep, needed)];
  }

  /** False: somebody has begun to deploy meanwhile, or starts or ends the release. */
  private async removeOne(seen: Service, release: Release): Promise<boolean> {
    const { store, turns } = this.parts;
    let isDone = false;
    await turns.tryNow(release, async () => {
      const service = await store.service(seen._id);
      const isSame = service?.active === null && service.release_id === seen.release_id;
      const now = isSame ? await store.release(release._id) : undefined;
      if (now === undefined || now.status !== release.status) return;
      await this.parts.remove(placed(now));
      const status = now.served_at === null ? 'failed' : 'removed';
      await store.changeRelease(now._id, { status });
      isDone = true;
    });
    return isDone;
  }
}
