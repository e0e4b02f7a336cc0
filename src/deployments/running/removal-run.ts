import { failPoint } from '../../common/fail-point.js';
import { messageOf } from '../../common/values/error-message.js';
import { GONE, placed, type Release } from '../record/deployment.js';
import { ownedBy, ownedLines } from '../routes/owned-things.js';
import { isForLater } from '../targets/is-for-later.js';
import { DeploymentRun } from './deployment-run.js';
import { DeploymentFencedError } from './recorded-run.js';
import { deploymentReasons } from './deployment-reasons.js';

/**
 * Takes a service out of service, with all that it has: its releases, instances, ports and routes.
 * From the switch on, after which nothing of it serves, it is only finished, never taken back; what
 * it does can be done again from the beginning.
 */
export class RemovalRun extends DeploymentRun {
  /** It needs nothing of whoever asked. */
  protected override isOrphan(): boolean {
    return false;
  }

  protected override async fromHere(): Promise<void> {
    const { phase } = this.deployment;
    if (phase !== 'switch' && phase !== 'clean_up' && !(await this.begun())) return;
    try {
      await this.withdraw();
      await this.removeAll();
    } catch (error) {
      if (error instanceof DeploymentFencedError || isForLater(error)) throw error;
      await this.end('failed', deploymentReasons.notRemoved(messageOf(error)));
    }
  }

  /** False: it was cancelled. */
  private async begun(): Promise<boolean> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    const service = await this.serviceNow();
    const { release_id: serving } = service;
    await this.change({ previous_release_id: serving });
    const owned = await ownedBy(service, this.store, this.tools.ports);
    for (const line of ownedLines(owned)) this.tell(line);
    if (await this.endIfStopped()) return false;
    return this.enterSwitch();
  }

  private async withdraw(): Promise<void> {
    const { _id, service_id: serviceId, previous_release_id: before } = this.deployment;
    const found = before === null ? undefined : await this.store.release(before);
    const serving = found && placed(found);
    if (serving !== undefined) await this.tools.targetOf(serving.settings).withdraw(serving);
    failPoint('service_withdrawn');
    const at = this.now();
    if (!(await this.store.setNothingServing(serviceId, _id, at))) {
      throw new DeploymentFencedError(_id);
    }
    if (serving?.status === 'serving') {
      await this.store.changeRelease(serving._id, { status: 'kept' });
    }
    await this.enter('clean_up');
  }

  private async removeAll(): Promise<void> {
    const { _id, service_id: serviceId, settings } = this.deployment;
    const left = await this.left();
    for (const release of left.map(placed)) {
      await this.tools.targetOf(release.settings).remove(release);
      await this.store.changeRelease(release._id, { status: 'removed', drain_until: null });
      this.tell(`release ${release.number} is removed`);
    }
    failPoint('releases_removed');
    await this.tools.targetOf(settings).forget(serviceId, settings);
    if (!(await this.store.retire(serviceId, _id, this.now()))) {
      throw new DeploymentFencedError(_id);
    }
    await this.tools.forget?.(serviceId);
    await this.end('success', deploymentReasons.removed(serviceId));
  }

  private async left(): Promise<readonly Release[]> {
    const all = await this.store.releasesOf(this.deployment.service_id);
    return all.filter(({ status }) => !GONE.includes(status));
  }
}
