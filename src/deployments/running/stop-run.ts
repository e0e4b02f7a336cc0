import { failPoint } from '../../common/fail-point.js';
import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type Deployment,
  isFinished,
  placed,
  type Release,
  type TargetSettings,
} from '../record/deployment.js';
import type { DeployTarget } from '../targets/deploy-target.js';
import { isForLater } from '../targets/is-for-later.js';
import { deploymentReasons } from './deployment-reasons.js';
import {
  DeploymentFencedError,
  type DeploymentTools,
  RecordedRun,
  type RunDeployment,
} from './recorded-run.js';

/** Between looks while what had begun has its time, ms. */
const DRAIN_LOOK_MS = 1_000;
/** Of those of a service that are looked through for one that waits. */
const LAST_DEPLOYMENTS = 10;

/**
 * Stops a service: its route says so, then what had begun has its time, then its instance is ended.
 * The release stays, and nothing runs it before it is started, or another one is deployed. From the
 * switch on it is only finished.
 */
export class StopRun extends RecordedRun<TargetSettings> {
  private release: Release<TargetSettings> | undefined;

  constructor(deployment: Deployment, tools: DeploymentTools, asked: RunDeployment) {
    super(placed(deployment), tools, asked);
  }

  protected override load(): Promise<void> {
    return this.read(this.deployment.release_id);
  }

  protected async fromHere(): Promise<void> {
    const { phase } = this.deployment;
    if (phase !== 'switch' && phase !== 'clean_up' && !(await this.begun())) return;
    if (this.deployment.phase !== 'clean_up') await this.close();
    if (!(await this.drained())) return;
    await this.orWarned(deploymentReasons.notEnded, () => this.endInstance());
    await this.end('success', deploymentReasons.stopped(this.deployment));
  }

  /** False: it has ended. */
  private async begun(): Promise<boolean> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    const { _id: id, stopped, release_id: serving } = await this.serviceNow();
    await this.read(serving);
    if (this.release === undefined) await this.end('failed', deploymentReasons.nothingServes(id));
    else if (stopped) await this.end('success', deploymentReasons.stoppedBefore(id, stopped));
    if (isFinished(this.deployment) || (await this.endIfStopped())) return false;
    const named = { release_id: serving, previous_release_id: serving };
    if (!(await this.enterSwitch(named))) return false;
    failPoint('deployment_switching');
    return true;
  }

  /** From here on whoever asks is told that it is stopped. */
  private async close(): Promise<void> {
    const { _id: deployment_id, service_id, triggered_by: by, message = null } = this.deployment;
    const release = this.stopping();
    const { runner } = this.target;
    await this.target.disarm(release.settings);
    const at = this.now();
    if (!(await this.store.setStopped(service_id, { deployment_id, by, at, message }))) {
      throw new DeploymentFencedError(deployment_id);
    }
    const drain_until = new Date(at.getTime() + (runner?.drainMs(release.settings) ?? 0));
    const drain = { status: 'draining', drain_until, drains_since: at } as const;
    const change = { ...drain, watch_until: null };
    await this.makeRoomToDrain({ ...release, ...change });
    await this.store.changeRelease(release._id, change);
    this.release = { ...release, ...change };
    failPoint('service_stopped');
    await this.orWarned(deploymentReasons.notClosed, async () => runner?.closed(release));
    this.tell(`release ${release.number} gets no requests any more`);
    await this.enter('clean_up');
  }

  /** What fails behind the switch takes nothing back: workers of the host do it later. */
  private async orWarned(told: (why: string) => Reason, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof DeploymentFencedError || isForLater(error)) throw error;
      await this.warnOnce([told(messageOf(error))]);
    }
  }

  /**
   * What had begun has had its time; or somebody waits for the service, then the upkeep looks after
   * it. False: this process ends, and another one continues.
   */
  private async drained(): Promise<boolean> {
    const until = this.stopping().drain_until?.getTime() ?? 0;
    for (;;) {
      const leftMs = until - this.now().getTime();
      if (leftMs <= 0 || (await this.isWaitedFor())) break;
      if (this.asked.signal.aborted) return false;
      await this.stored();
      await this.pause(Math.min(leftMs, DRAIN_LOOK_MS));
    }
    failPoint('service_drained');
    return true;
  }

  private async isWaitedFor(): Promise<boolean> {
    const { environment, service, turn } = this.deployment;
    const { items } = await this.store.list({ environment, service }, { limit: LAST_DEPLOYMENTS });
    return items.some((one) => one.turn > turn && !isFinished(one) && one.gate !== 'closed');
  }

  private async endInstance(): Promise<void> {
    const release = this.stopping();
    if ((release.drain_until?.getTime() ?? 0) > this.now().getTime()) return;
    const { runner } = this.target;
    await this.inTurn(release, async () => runner?.stop(release));
    failPoint('instance_ended');
    await this.store.endDrain(release._id);
    this.tell(`release ${release.number} is ended`);
  }

  private async read(id: string | null): Promise<void> {
    const found = id === null ? undefined : await this.store.release(id);
    this.release = found && placed(found);
  }

  private get target(): DeployTarget {
    return this.tools.targetOf(this.stopping().settings);
  }

  private stopping(): Release<TargetSettings> {
    if (this.release === undefined) throw new Error('a stop of no release');
    return this.release;
  }
}
