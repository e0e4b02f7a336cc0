import { failPoint } from '../../common/fail-point.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { placed, type Release, type Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { rollbackOf } from '../record/rollback.js';
import type { ReleaseRunner } from '../targets/deploy-target.js';
import { deploymentReasons } from './deployment-reasons.js';
import { wayBack } from './way-back.js';

/** Looks in a row that a release has to fail at, one a second. */
const FAILURES = 3;
/** One may be an accident. */
const ENDS = 2;

interface Seen {
  /** Looks in a row that it has failed at. */
  readonly failures: number;
  /** How often it has ended. */
  readonly ends: number;
  readonly restarts: number;
}

/**
 * Watches releases for a while behind their switch. One that fails, or ends again and again, goes
 * back to the release before, once; by the same way as by hand, so that one has to pass its gate.
 * Where it does not, its service has failed, and nothing more happens by itself.
 */
export class ReleaseWatch {
  private readonly seen = new Map<string, Seen>();

  constructor(
    private readonly store: DeploymentStore,
    private readonly runner: Pick<ReleaseRunner, 'probe'>,
  ) {}

  /** One look at a release that serves while no deployment has its service. @param now ms */
  async look(release: Release, service: Service, now: number): Promise<void> {
    const { _id: id, watch_until: until, served_at: served } = release;
    if (!until || until.getTime() <= now) {
      this.seen.delete(id);
      return;
    }
    const { problem, hasEnded, restarts } = await this.runner.probe(placed(release));
    const before = this.seen.get(id) ?? { failures: 0, ends: 0, restarts };
    const failures = problem === undefined ? 0 : before.failures + 1;
    const ends = before.ends + (hasEnded ? 1 : 0) + Math.max(0, restarts - before.restarts);
    this.seen.set(id, { failures, ends, restarts });
    if (failures < FAILURES && ends < ENDS) return;
    const seconds = Math.round((now - (served?.getTime() ?? now)) / 1000);
    const why = problem ?? `it has ended ${ends} times`;
    await this.goBack(release, service, deploymentReasons.watchFailed(release, why, seconds));
  }

  private async goBack(release: Release, service: Service, why: Reason): Promise<void> {
    const { store } = this;
    const way = await wayBack(store, service, release);
    // Its unit is about to settle; the next look finds it again.
    if (way.kind === 'unsettled') return;
    const { service_id, _id: release_id } = release;
    if (way.kind === 'to') {
      const asked = rollbackOf(way.service, way.to, way.from, 'system');
      const request_key = JSON.stringify(['watch', way.from._id]);
      const told = { request_key, warnings: [why], failed_release_id: way.from._id };
      const watched = { service_id, release_id };
      await store.accept({ ...asked, ...told, watched }, way.service);
      failPoint('watch_decided');
    } else {
      const none = deploymentReasons.notGoneBack(why.message, 'no release before it is kept');
      await store.setProblem(service_id, release_id, none);
    }
    await store.changeRelease(release._id, { watch_until: null });
    this.seen.delete(release._id);
  }
}
