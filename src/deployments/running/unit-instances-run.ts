import { failPoint } from '../../common/fail-point.js';
import {
  type Deployment,
  isFinished,
  type PlannedStop,
  type Release,
  type Service,
  type UnitSettings,
} from '../record/deployment.js';
import { type InstanceDeployment, instanceDeployment } from '../record/restart.js';
import { deploymentReasons } from './deployment-reasons.js';
import {
  DeploymentFencedError,
  type DeploymentTools,
  RecordedRun,
  type RunDeployment,
} from './recorded-run.js';
import { RestartRun } from './restart-run.js';
import { StopRun } from './stop-run.js';

/**
 * Stops, starts or restarts a unit: each of its parts that runs, by a deployment of its own, one
 * after another; a stop begins with those that need others. From the switch on it is only finished,
 * and can be done again from the beginning. Where a part fails, those behind it are left as they
 * are.
 */
export class UnitInstancesRun extends RecordedRun<UnitSettings> {
  private readonly kind: InstanceDeployment;

  constructor(
    deployment: Deployment<UnitSettings> & { readonly kind: InstanceDeployment },
    tools: DeploymentTools,
    asked: RunDeployment,
  ) {
    super(deployment, tools, asked);
    this.kind = deployment.kind;
  }

  protected async fromHere(): Promise<void> {
    if (this.deployment.phase !== 'switch' && !(await this.begun())) return;
    const { service_id: unit } = this.deployment;
    for (const { service_id: id, deployment_id } of this.deployment.parts ?? []) {
      const service = await this.store.service(id);
      // It was removed, or deployed without this part, while nobody had this one.
      if (service?.unit !== unit || service.release_id === null) continue;
      if (this.asked.signal.aborted) return;
      const part = await this.done(service, deployment_id);
      // This process ends in its midst, and another one continues.
      if (!isFinished(part)) return;
      const { status, reason } = part;
      if (status !== 'success') {
        const why = reason ?? deploymentReasons.failed(status);
        const told = deploymentReasons.partOfInstances(this.kind, id, why);
        return this.end(status === 'cancelled' ? 'cancelled' : 'failed', told);
      }
      failPoint('part_switched');
    }
    await this.settle();
  }

  /** False: it has ended. */
  private async begun(): Promise<boolean> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    const service = await this.serviceNow();
    const { _id: id, release_id: serving, stopped } = service;
    const release = serving === null ? undefined : await this.store.release(serving);
    if (release === undefined) await this.end('failed', deploymentReasons.nothingServes(id));
    else if (this.kind === 'restart' && stopped) {
      await this.end('failed', deploymentReasons.isStopped(id));
    }
    const running = isFinished(this.deployment) ? [] : await this.partsOf(release);
    if (!isFinished(this.deployment) && running.length === 0) {
      await this.end('failed', deploymentReasons.nothingRuns(id));
    }
    if (isFinished(this.deployment) || (await this.endIfStopped())) return false;
    const made = running.map((part) => this.partDeployment(part));
    const parts = made.map(({ _id, service_id }) => ({ service_id, deployment_id: _id }));
    const named = { parts, release_id: serving, previous_release_id: serving };
    if (!(await this.enterSwitch(named))) return false;
    failPoint('unit_parts_named');
    return true;
  }

  /** Releases of its parts that run, in the order in which it is done. */
  private async partsOf(release: Release | undefined): Promise<readonly Release[]> {
    const services = await Promise.all(
      (release?.parts ?? []).map(({ service_id: id }) => this.store.service(id)),
    );
    // What was stopped by itself is started, not restarted.
    const wanted = services.filter((one) => this.kind !== 'restart' || !one?.stopped);
    const serving = wanted.flatMap((one) => one?.release_id ?? []);
    const found = await Promise.all(serving.map((id) => this.store.release(id)));
    const parts = found.filter((one) => one !== undefined).filter(hasInstance);
    return this.kind === 'stop' ? parts.reverse() : parts;
  }

  private partDeployment(part: Release): ReturnType<typeof instanceDeployment> {
    const { _id: deployment_id, service_id, triggered_by, message } = this.deployment;
    return {
      ...instanceDeployment(this.kind, part, triggered_by, message),
      unit: { service_id, deployment_id },
    };
  }

  /** @param id of the deployment, which a process that was lost may have stored and begun */
  private async done(service: Service, id: string): Promise<Deployment> {
    const { release_id: serving } = service;
    const release = serving === null ? undefined : await this.store.release(serving);
    if (release === undefined) throw new Error(`nothing of ${service._id} serves`);
    const asked = { ...this.partDeployment(release), _id: id, request_key: id };
    const accepted = await this.store.accept(asked, service);
    if (isFinished(accepted)) return accepted;
    const taken = await this.takePart(accepted);
    const Run = this.kind === 'stop' ? StopRun : RestartRun;
    const tell = (line: string): void => this.tell(`${service.name}: ${line}`);
    const { signal } = this.asked;
    return new Run(taken, this.tools, { tell, signal }).run();
  }

  private async settle(): Promise<void> {
    const { _id, service_id: id, triggered_by: by, message = null } = this.deployment;
    const at = this.now();
    const stop: PlannedStop = { deployment_id: _id, by, at, message };
    const isHeld =
      this.kind === 'restart' ||
      (this.kind === 'stop'
        ? await this.store.setStopped(id, stop)
        : await this.store.setStarted(id, _id, at));
    if (!isHeld) throw new DeploymentFencedError(_id);
    const end = {
      stop: deploymentReasons.stopped(this.deployment),
      start: deploymentReasons.partsServe(id),
      restart: deploymentReasons.partsServe(id),
    }[this.kind];
    await this.end('success', end);
  }
}

function hasInstance({ type }: Release): boolean {
  return type !== 'local_directory';
}
