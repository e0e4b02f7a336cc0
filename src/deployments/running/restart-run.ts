import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type DrainingInstance,
  type Release,
  type Service,
  type TargetSettings,
} from '../record/deployment.js';
import type { ReleaseChange } from '../record/deployment-store.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { deploymentReasons } from './deployment-reasons.js';
import { DeploymentRun } from './deployment-run.js';
import { MOST_DRAINING } from './many-drains.js';
import { DeploymentFencedError } from './recorded-run.js';

/**
 * Another instance of the release that is in service takes the place of its last one: beside one
 * that has failed, or that somebody wants to be restarted, or behind one that was stopped.
 */
export class RestartRun extends DeploymentRun {
  protected override async load(): Promise<void> {
    await super.load();
    const { instance } = this.deployment;
    if (this.release && instance !== undefined) this.release = { ...this.release, instance };
  }

  protected override get hasServed(): boolean {
    return true;
  }

  protected override get mayBeOfPart(): boolean {
    return true;
  }

  /** It needs nothing of whoever asked, and stands before no barrier. */
  protected override isOrphan(): boolean {
    return false;
  }

  private get isStart(): boolean {
    return this.deployment.kind === 'start';
  }

  /** Nobody but the system has asked for it, since the last instance has failed. */
  private get isOfFailure(): boolean {
    return this.deployment.failed_release_id !== undefined;
  }

  /** A start of what is not stopped has nothing to do. */
  protected override async endIfOvertaken(service: Service): Promise<boolean> {
    if (await super.endIfOvertaken(service)) return true;
    if (!this.isStart || service.stopped) return false;
    await this.end('success', deploymentReasons.notStopped(service._id));
    return true;
  }

  protected override async plan(service: Service): Promise<readonly Reason[]> {
    if (!this.isStart && service.stopped) {
      throw new DeployRefusedError(deploymentReasons.isStopped(service._id));
    }
    if (service.release_id !== this.deployment.release_id) {
      throw new DeployRefusedError(deploymentReasons.otherServes(service._id));
    }
    return super.plan(service);
  }

  protected override async enterStart(): Promise<Release<TargetSettings>> {
    const before = this.released();
    const instance = (before.instance ?? 0) + 1;
    this.release = { ...before, instance };
    await this.enter('start', { instance });
    return this.release;
  }

  protected override isAnew(): Promise<boolean> {
    return Promise.resolve(true);
  }

  protected override async recordSwitch(release: Release<TargetSettings>): Promise<void> {
    const { _id, instance = 0 } = release;
    // What it writes of the release is written while it has the service, and nobody else.
    await this.stored();
    const before = await this.store.release(_id);
    const drains = before && this.drainsBehind(before, instance);
    // Of more at once those that were replaced first end now.
    const cut = drains?.slice(0, -MOST_DRAINING) ?? [];
    await this.warnOnce(cut.map((one) => deploymentReasons.instanceDrainCut(release, one)));
    const draining_instances = drains?.slice(-MOST_DRAINING);
    const change: ReleaseChange = { instance, ...(drains && { draining_instances }) };
    if (this.isStart) {
      await this.store.changeRelease(_id, { ...change, status: 'serving', drain_until: null });
      const { service_id: serviceId, _id: deploymentId } = this.deployment;
      if (!(await this.store.setStarted(serviceId, deploymentId, this.now()))) {
        throw new DeploymentFencedError(deploymentId);
      }
    } else await this.store.changeRelease(_id, change);
    await this.enter('clean_up');
  }

  /** Undefined: the last one has failed or ended, or this was written before. */
  private drainsBehind(before: Release, instance: number): readonly DrainingInstance[] | undefined {
    const { instance: last = 0, draining_instances: drains = [], drain_until: ends } = before;
    if (this.isOfFailure || last === instance) return undefined;
    const now = this.now();
    const drainMs = this.target.runner?.drainMs(this.released().settings) ?? 0;
    const until = this.isStart ? ends : new Date(now.getTime() + drainMs);
    const open = drains.filter((one) => one.until > now);
    const more = until && until > now ? [{ instance: last, until }] : [];
    return [...open, ...more];
  }

  /** What was replaced by will ends by itself, when its time is over. */
  protected override async cleanUp(): Promise<void> {
    const release = this.released();
    if (this.isStart) return this.end('success', deploymentReasons.started(release));
    if (!this.isOfFailure) return this.end('success', deploymentReasons.replaced(release));
    await this.endFailedInstance(release);
  }

  /** Of what failed nothing is needed any more. What is left of it here the upkeep ends. */
  private async endFailedInstance(release: Release<TargetSettings>): Promise<void> {
    try {
      await this.target.runner?.stop({ ...release, instance: (release.instance ?? 1) - 1 });
    } catch (error) {
      const warning = deploymentReasons.notCleanedUp(messageOf(error));
      await this.change({ warnings: [...this.deployment.warnings, warning] });
    }
    await this.end('success', deploymentReasons.restarted(release));
  }

  /** The instance that served is not touched. */
  protected override async undo(status: 'failed' | 'cancelled', reason: Reason): Promise<void> {
    const { release } = this;
    if (release !== undefined && this.deployment.instance !== undefined) {
      await this.target.disarm(release.settings);
      await this.target.runner?.stop(release);
    }
    await this.end(status, reason);
  }
}
