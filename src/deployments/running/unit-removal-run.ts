import { messageOf } from '../../common/values/error-message.js';
import {
  type Deployment,
  GONE,
  isFinished,
  placed,
  type Service,
  type TargetSettings,
  type UnitSettings,
} from '../record/deployment.js';
import type { NewDeployment } from '../record/deployment-store.js';
import { removalOf } from '../record/removal.js';
import { ownedBy, ownedLines, partsOfUnit } from '../routes/owned-things.js';
import { isForLater } from '../targets/is-for-later.js';
import { deploymentReasons } from './deployment-reasons.js';
import { DeploymentFencedError, RecordedRun } from './recorded-run.js';
import { RemovalRun } from './removal-run.js';

/**
 * Removes a unit: each of its parts by a removal of its own, then the record of the unit. From the
 * switch on it is only finished, and can be done again from the beginning.
 */
export class UnitRemovalRun extends RecordedRun<UnitSettings> {
  protected async fromHere(): Promise<void> {
    if (this.deployment.phase !== 'switch') {
      await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
      await this.tellOwned();
      if (await this.endIfStopped()) return;
      if (!(await this.enterSwitch())) return;
    }
    try {
      const failed = await this.removeParts();
      if (failed === undefined) await this.retire();
      else await this.end('failed', deploymentReasons.notRemoved(failed));
    } catch (error) {
      if (error instanceof DeploymentFencedError || isForLater(error)) throw error;
      await this.end('failed', deploymentReasons.notRemoved(messageOf(error)));
    }
  }

  /** @returns why one could not be removed; those behind it are left as they are */
  private async removeParts(): Promise<string | undefined> {
    for (const service of await partsOfUnit(this.deployment.service_id, this.store)) {
      const { status, reason } = await this.removed(service);
      if (status !== 'success') return `${service._id}: ${reason?.message ?? status}`;
    }
    return undefined;
  }

  /** All that goes is said before anything does. */
  private async tellOwned(): Promise<void> {
    const { store } = this;
    const own = await this.serviceNow();
    for (const service of [...(await partsOfUnit(own._id, store)), own]) {
      const owned = await ownedBy(service, store, this.tools.ports);
      for (const line of ownedLines(owned)) this.tell(`${service.name}: ${line}`);
    }
  }

  private async removed(service: Service): Promise<Deployment> {
    const { _id: deployment_id, service_id, triggered_by } = this.deployment;
    const asked: NewDeployment = {
      ...removalOf(service, await this.settingsOf(service), triggered_by),
      request_key: JSON.stringify([deployment_id, service._id, 'remove']),
      unit: { service_id, deployment_id },
    };
    const accepted = await this.store.accept(asked, service);
    if (isFinished(accepted)) return accepted;
    const taken = await this.takePart(accepted);
    const tell = (line: string): void => this.tell(`${service.name}: ${line}`);
    const { signal } = new AbortController();
    return new RemovalRun(taken, this.tools, { tell, signal }).run();
  }

  /** By which what it has is reached today. */
  private async settingsOf({ _id, release_id: id }: Service): Promise<TargetSettings> {
    const serving = id === null ? undefined : await this.store.release(id);
    const [last] = await this.store.releasesOf(_id);
    const known = serving ?? last;
    if (known === undefined) throw new Error(`${_id} has no release`);
    return placed(known).settings;
  }

  private async retire(): Promise<void> {
    const { _id, service_id: id } = this.deployment;
    for (const release of await this.store.releasesOf(id)) {
      if (GONE.includes(release.status)) continue;
      await this.store.changeRelease(release._id, { status: 'removed' });
    }
    const isHeld =
      (await this.store.setNothingServing(id, _id, this.now())) &&
      (await this.store.retire(id, _id, this.now()));
    if (!isHeld) throw new DeploymentFencedError(_id);
    await this.tools.forget?.(id);
    await this.end('success', deploymentReasons.removed(id));
  }
}
