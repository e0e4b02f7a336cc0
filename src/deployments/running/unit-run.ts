import { createHash } from 'node:crypto';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type DeployedPartRef,
  type Deployment,
  GONE,
  hostOf,
  isFinished,
  notBegun,
  placed,
  placeOn,
  type Release,
  type Service,
  serviceIdOf,
  unitPlace,
  type UnitPartSettings,
  type UnitSettings,
} from '../record/deployment.js';
import {
  type NewDeployment,
  type NewService,
  PlaceTakenError,
} from '../record/deployment-store.js';
import { removalOf } from '../record/removal.js';
import { rollbackOf } from '../record/rollback.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { deploymentReasons } from './deployment-reasons.js';
import { DeploymentRun } from './deployment-run.js';
import { expiredReleases, unfinishedReleases } from './expired-releases.js';
import { failureOf, LivePart, type PartFailure } from './live-part.js';
import { type DeploymentTools, RecordedRun, type RunDeployment } from './recorded-run.js';
import { RemovalRun } from './removal-run.js';

/** What is asked for of one part. */
interface PlannedPart {
  readonly name: string;
  readonly deployment: NewDeployment;
  readonly service: NewService;
  readonly source?: StepFiles;
}

/**
 * Does the deployment of a unit: each part is a deployment of its own, which stands still between
 * its gate and its switch until all others stand there too. They are switched one after another;
 * where one fails at that, those that have switched are taken back.
 */
export class UnitRun extends RecordedRun<UnitSettings> {
  private release: Release | undefined;
  private previous: Release | undefined;

  constructor(deployment: Deployment<UnitSettings>, tools: DeploymentTools, asked: RunDeployment) {
    super(deployment, tools, asked);
  }

  protected override isOrphan(): boolean {
    const { kind, phase } = this.deployment;
    const isBegun = phase !== null && phase !== 'plan';
    return kind === 'deploy' && this.asked.sources === undefined && !isBegun;
  }

  protected override async load(): Promise<void> {
    const { release_id: id, previous_release_id: before } = this.deployment;
    if (id !== null) this.release = await this.store.release(id);
    if (before !== null) this.previous = await this.store.release(before);
  }

  protected async fromHere(): Promise<void> {
    const { phase } = this.deployment;
    if (phase === 'clean_up') return this.cleanUp();
    if (phase === null || phase === 'plan') return this.forward();
    await this.recoverParts();
    if (phase === 'switch') return this.settle();
    return this.undo('failed', deploymentReasons.workerLost());
  }

  /** Its parts are undone by themselves. */
  protected override async undo(status: 'failed' | 'cancelled', reason: Reason): Promise<void> {
    const { kind } = this.deployment;
    const { release } = this;
    if (kind !== 'rollback' && release !== undefined) {
      await this.store.changeRelease(release._id, { status: 'failed' });
    }
    await this.end(status, reason);
  }

  private async forward(): Promise<void> {
    const planned = await this.planned();
    if (planned === undefined || (await this.endIfStopped())) return;
    await this.begin(planned);
    const parts: LivePart[] = [];
    try {
      if (!(await this.toSwitch(planned, parts))) return;
      await this.switchAll(parts);
    } finally {
      // Whatever happened, none is left standing there.
      await endAll(parts, deploymentReasons.unitUndone());
    }
    await this.settle();
  }

  /** Undefined: it has ended, since it cannot be done. */
  private async planned(): Promise<readonly PlannedPart[] | undefined> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    try {
      const service = await this.serviceNow();
      if (await this.endIfOvertaken(service)) return undefined;
      return await this.plan(service);
    } catch (error) {
      if (!(error instanceof DeployRefusedError)) throw error;
      await this.undo('failed', error.reason);
      return undefined;
    }
  }

  /** One that has never served gets its place by its turn. */
  protected override async foresee(service: Service): Promise<readonly Reason[]> {
    if (service.release_id === null) return this.warningsBehind(undefined);
    this.mustFit(service);
    const serving = await this.store.release(service.release_id);
    if (this.deployment.kind !== 'rollback') this.checkAge(serving);
    return this.warningsBehind(serving);
  }

  /** @param serving what the unit would replace */
  private warningsBehind(serving: Release | undefined): readonly Reason[] {
    const names = new Set(this.partSettings().map(({ service: name }) => this.idOf(name)));
    const left = (serving?.parts ?? []).filter((part) => !names.has(part.service_id));
    const warnings = left.map((part) => deploymentReasons.partLeft(part.service_id));
    const staying = this.deployment.kind === 'rollback' ? [] : this.partsThatStay();
    return staying.length > 0 ? [...warnings, deploymentReasons.partsStay(staying)] : warnings;
  }

  /** What serves stays what it is, and where. @throws DeployRefusedError */
  private mustFit(service: Service): void {
    const refuse = (reason: Reason): never => {
      throw new DeployRefusedError(reason);
    };
    if (service.unit) refuse(deploymentReasons.partOfUnit(service));
    if (service.service_type !== this.deployment.type) {
      refuse(deploymentReasons.otherType(service));
    }
    if (service.host !== this.tools.host) {
      refuse(deploymentReasons.otherHost(service._id, service.host));
    }
  }

  /** @throws DeployRefusedError */
  private async plan(known: Service): Promise<readonly PlannedPart[]> {
    const { host } = this.tools;
    const { kind, type: service_type } = this.deployment;
    const at = { host, place: unitPlace(host, known._id), service_type, unit: null };
    if (known.release_id === null) await this.store.takePlace(known._id, at);
    const service = known.release_id === null ? { ...known, ...at } : known;
    this.mustFit(service);
    this.previous = service.release_id ? await this.store.release(service.release_id) : undefined;
    if (kind !== 'rollback') this.checkAge(this.previous);
    const planned =
      kind === 'rollback' ? await this.rolledBack() : await this.deployedParts(service._id);
    const differing =
      kind === 'rollback' && this.release !== undefined
        ? await this.tools.environments?.ofParts(this.release, this.store)
        : undefined;
    const told = this.warnedOf([...this.warningsBehind(this.previous), ...(differing ?? [])]);
    for (const { message } of told) this.tell(`warning: ${message}`);
    await this.change({ warnings: told, previous_release_id: service.release_id });
    return planned;
  }

  /** Of the release that is made, or brought back. */
  private partSettings(): readonly UnitPartSettings[] {
    return this.deployment.settings.parts;
  }

  /** What is run before their switch cannot be taken back. */
  private partsThatStay(): string[] {
    const running = this.partSettings().filter(
      ({ settings }) => 'before_switch' in settings && settings.before_switch !== undefined,
    );
    return running.map(({ service: name }) => this.idOf(name));
  }

  private idOf(name: string): string {
    return serviceIdOf(this.deployment.environment, name);
  }

  /** @throws DeployRefusedError a part is a service by itself, or has no place */
  private async deployedParts(unit: string): Promise<readonly PlannedPart[]> {
    const { sources } = this.asked;
    return Promise.all(
      this.partSettings().map(async ({ service: name, settings }): Promise<PlannedPart> => {
        const service_id = this.idOf(name);
        const known = await this.store.service(service_id);
        if (known && known.release_id !== null && known.unit !== unit) {
          throw new DeployRefusedError(
            known.unit ? deploymentReasons.partOfUnit(known) : deploymentReasons.noPart(known),
          );
        }
        const host = hostOf(settings, this.tools.host);
        const { environment, execution_id, pipeline_id, pipeline_name } = this.deployment;
        const { stage, step, commit, branch, triggered_by } = this.deployment;
        const at = this.now();
        const deployment: NewDeployment = {
          ...this.partKeys(service_id),
          ...{ kind: 'deploy', service_id, environment, service: name, settings, host },
          ...{ type: settings.type, release_id: null, execution_id, pipeline_id, pipeline_name },
          ...{ stage, step, commit, branch, triggered_by, ...notBegun(at) },
        };
        const service: NewService = {
          ...{ _id: service_id, id: uuidV7(), name, environment, service_type: settings.type },
          ...{ unit, host, place: placeOn(host, this.tools.targetOf(settings).placeOf(settings)) },
          ...{ status: 'starting', release_id: null, deployment_id: null },
          ...{ created_at: at, updated_at: at },
        };
        const source = sources?.get(name);
        return { name, deployment, service, ...(source && { source }) };
      }),
    );
  }

  /** Parts that serve already what they should have nothing to do. @throws DeployRefusedError */
  private async rolledBack(): Promise<readonly PlannedPart[]> {
    const { release } = this;
    if (release === undefined) throw new Error('a rollback to no release');
    const { parts = [], number } = release;
    const planned = await Promise.all(
      parts.map(async ({ service_id: id, release_id }): Promise<PlannedPart | undefined> => {
        const service = await this.store.service(id);
        if (service?.release_id === release_id && !service.stopped) return undefined;
        const wanted = await this.store.release(release_id);
        if (service === undefined || wanted === undefined || GONE.includes(wanted.status)) {
          throw new DeployRefusedError(deploymentReasons.partGone(number, id));
        }
        const { release_id: now } = service;
        const serving = now === null ? undefined : await this.store.release(now);
        const by = this.deployment.triggered_by;
        const deployment = { ...rollbackOf(service, wanted, serving, by), ...this.partKeys(id) };
        return { name: service.name, deployment, service };
      }),
    );
    return planned.filter((part) => part !== undefined);
  }

  /** What makes a deployment one of this unit, in the hands of this worker. */
  private partKeys(
    serviceId: string,
  ): Pick<NewDeployment, '_id' | 'request_key' | 'unit' | 'worker_id' | 'fence'> {
    const { _id: id, service_id, worker_id } = this.deployment;
    return {
      ...{ _id: uuidV7(), request_key: JSON.stringify([id, serviceId]), worker_id, fence: 1 },
      unit: { service_id, deployment_id: id },
    };
  }

  /** Which deployments are its parts is stored before the first of them is. */
  private async begin(planned: readonly PlannedPart[]): Promise<void> {
    const { _id, kind, settings, environment, service, service_id, type, host } = this.deployment;
    const { execution_id, pipeline_id, commit } = this.deployment;
    const parts = planned.map(({ deployment }): DeployedPartRef => ({
      service_id: deployment.service_id,
      deployment_id: deployment._id,
    }));
    if (kind === 'rollback') {
      await this.enter('prepare', { parts });
    } else {
      const release: Release = {
        ...{ _id: uuidV7(), service_id, environment, service, type, settings, host },
        number: await this.store.nextRelease(service_id),
        ...{ status: 'preparing', deployment_id: _id, execution_id, pipeline_id, commit },
        dated_by: this.asked.datedBy ?? execution_id,
        ...{ digest: null, files: 0, bytes: 0, created_at: this.now(), served_at: null },
      };
      await this.enter('prepare', { parts, release_id: release._id });
      this.release = release;
      await this.store.insertRelease(release);
      this.tell(`release ${release.number} of ${service_id} has ${planned.length} parts`);
    }
    failPoint('unit_parts_named');
  }

  /**
   * Brings all parts to their switch, one after another.
   * @param parts gets those that have begun
   * @returns false: it has ended meanwhile, and nothing has switched
   */
  private async toSwitch(planned: readonly PlannedPart[], parts: LivePart[]): Promise<boolean> {
    const cancelled = new AbortController();
    const watch = this.abortOnCancel(cancelled);
    const stop = AbortSignal.any([this.asked.signal, cancelled.signal]);
    const all = new AbortController();
    const abort = (): void => all.abort({ kind: 'unit' });
    stop.addEventListener('abort', abort);
    let failure: PartFailure | undefined;
    try {
      for (const part of planned) {
        if (stop.aborted) break;
        failure = await this.partToSwitch(part, parts, all.signal);
        if (failure !== undefined) break;
      }
      if (failure === undefined && !stop.aborted) failure = await lookAgain(parts, all.signal);
    } finally {
      // From here on nobody stops a part by itself.
      stop.removeEventListener('abort', abort);
      await watch.stop();
    }
    const why = await this.stopAsked();
    if (failure === undefined && why === undefined) return this.areReady(parts);
    const isFailed = failure?.status === 'failed';
    const reason =
      failure && isFailed
        ? deploymentReasons.heldBack(failure.part)
        : deploymentReasons.unitUndone();
    await endAll(parts, reason);
    if (failure === undefined || (!isFailed && why !== undefined)) {
      await this.undo('cancelled', why ?? deploymentReasons.unitUndone());
    } else {
      await this.undo('failed', deploymentReasons.partFailed(failure.part, failure.reason));
    }
    return false;
  }

  private async partToSwitch(
    planned: PlannedPart,
    parts: LivePart[],
    signal: AbortSignal,
  ): Promise<PartFailure | undefined> {
    const { name, deployment, service, source } = planned;
    let accepted: Deployment;
    try {
      accepted = await this.store.accept(deployment, service);
    } catch (error) {
      if (!(error instanceof PlaceTakenError)) throw error;
      const reason = deploymentReasons.placeTaken(service.place, error.serviceId);
      return { part: name, status: 'failed', reason };
    }
    const part = new LivePart(name, (way) =>
      this.runOf(accepted, name, { ...way, signal, ...(source && { source }) }),
    );
    parts.push(part);
    return part.toBarrier();
  }

  private runOf(
    part: Deployment,
    name: string,
    asked: Pick<RunDeployment, 'signal' | 'barrier' | 'switched' | 'source'>,
  ): Promise<Deployment> {
    const { mask, datedBy } = this.asked;
    const Run = part.kind === 'remove' ? RemovalRun : DeploymentRun;
    return new Run(part, this.tools, {
      ...asked,
      ...{ tell: (line) => this.tell(`${name}: ${line}`), mayBeOlder: true },
      ...(datedBy !== undefined && { datedBy }),
      ...(mask && { mask }),
    }).run();
  }

  /** False: all parts serve already what they should, and it has ended. */
  private async areReady(parts: readonly LivePart[]): Promise<boolean> {
    const { release, previous } = this;
    if (release === undefined) throw new Error('a unit of no release');
    if (this.deployment.kind !== 'rollback') {
      if (previous !== undefined && parts.every((part) => part.isUnchanged)) {
        await this.store.changeRelease(release._id, { status: 'failed' });
        this.release = previous;
        const serves = { release_id: previous._id };
        await this.end('success', deploymentReasons.unchanged(previous), serves);
        return false;
      }
      await this.keepParts(release);
    }
    failPoint('unit_parts_ready');
    // While a part has not ended, the unit has not: else another one would take the part.
    const takeBack = (): Promise<void> => endAll(parts, deploymentReasons.unitUndone());
    if (!(await this.enterSwitch({}, takeBack))) return false;
    failPoint('unit_switching');
    return true;
  }

  /** What the release consists of is known. */
  private async keepParts({ _id }: Release): Promise<void> {
    const made = await Promise.all(
      (await this.partsNow()).map(async ({ release_id: id, service_id }) => {
        const release = id === null ? undefined : await this.store.release(id);
        if (release === undefined) throw new Error(`a part of no release: ${service_id}`);
        return release;
      }),
    );
    const hash = createHash('sha256');
    for (const { service_id, digest } of made) hash.update(`${service_id} ${digest ?? ''}\n`);
    const change = {
      parts: made.map((one) => ({ service_id: one.service_id, release_id: one._id })),
      digest: `sha256:${hash.digest('hex')}`,
      files: made.reduce((sum, { files }) => sum + files, 0),
      bytes: made.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    await this.store.changeRelease(_id, { ...change, status: 'prepared' });
    this.release = { ...this.released(), ...change, status: 'prepared' };
  }

  private async switchAll(parts: readonly LivePart[]): Promise<void> {
    for (const part of parts.filter(({ isUnchanged }) => !isUnchanged)) {
      const failure = await part.switchNow();
      if (failure !== undefined) {
        await endAll(parts, deploymentReasons.heldBack(part.name));
        return;
      }
      failPoint('part_switched');
    }
  }

  /** What a lost worker has left of its parts is finished or undone, as of any deployment. */
  private async recoverParts(): Promise<void> {
    for (const { deployment_id: id } of this.deployment.parts ?? []) {
      const part = await this.store.find(id);
      // One that was not stored begins no more: who would store it is not let to its switch.
      if (part !== undefined && !isFinished(part)) await this.finished(part);
    }
  }

  /** @throws DeploymentFencedError */
  private async finished(part: Deployment): Promise<Deployment> {
    const taken = await this.takePart(part);
    // It is not stopped half-way: who is killed meanwhile leaves the rest to the next one.
    return this.runOf(taken, part.service, { signal: new AbortController().signal });
  }

  private async partsNow(): Promise<readonly Deployment[]> {
    const { parts = [] } = this.deployment;
    return Promise.all(
      parts.map(async ({ deployment_id: id }) => {
        const part = await this.store.find(id);
        if (part === undefined) throw new Error(`the part ${id} is not stored`);
        return part;
      }),
    );
  }

  /** All parts have ended: all of them serve, or none that has switched continues to. */
  private async settle(): Promise<void> {
    const parts = await this.partsNow();
    const failures = parts.flatMap((part) => failureOf(part.service, part) ?? []);
    // Those that were held back have failed because of it.
    const failure = failures.find(({ status }) => status === 'failed') ?? failures[0];
    if (failure === undefined) return this.serve();
    const { part: name, reason } = failure;
    const back: string[] = [];
    const left: string[] = [];
    for (const part of [...parts].reverse().filter(hasSwitched)) {
      const why = await this.takenBack(part);
      if (why === undefined) back.push(part.service);
      else left.push(`${part.service} (${why})`);
    }
    const end =
      left.length === 0
        ? deploymentReasons.partTakenBack(name, reason, back)
        : deploymentReasons.unitTorn(name, reason, left);
    await this.undo('failed', end);
  }

  /**
   * What served before the part was switched serves again; where nothing did, it is removed.
   * @returns why it does not
   */
  private async takenBack(part: Deployment): Promise<string | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const { _id: id } = this.deployment;
      const key = JSON.stringify([id, part.service_id, 'back', attempt]);
      const { status, reason } = await this.backOnce(part, key);
      if (status === 'success') {
        failPoint('part_taken_back');
        return undefined;
      }
      // What was lost with its worker is done again, as another deployment.
      if (reason?.code !== 'worker_lost') return reason?.message ?? status;
    }
  }

  private async backOnce(
    part: Deployment,
    request_key: string,
  ): Promise<Pick<Deployment, 'status' | 'reason'>> {
    const { previous_release_id: before, service_id: serviceId } = part;
    const service = await this.store.service(serviceId);
    const wanted = before === null ? undefined : await this.store.release(before);
    if (service === undefined || (before !== null && wanted === undefined)) {
      throw new Error(`${serviceId} is gone`);
    }
    const serving = part.release_id ? await this.store.release(part.release_id) : undefined;
    const { _id: deployment_id, service_id, triggered_by } = this.deployment;
    const asked: NewDeployment = {
      ...(wanted === undefined
        ? removalOf(service, placed(part).settings, triggered_by)
        : rollbackOf(service, wanted, serving, triggered_by)),
      ...{ request_key, unit: { service_id, deployment_id, takes_back: true } },
    };
    const accepted = await this.store.accept(asked, service);
    failPoint('part_taking_back');
    return isFinished(accepted) ? accepted : this.finished(accepted);
  }

  private async serve(): Promise<void> {
    const { previous } = this;
    const change = { retired: { status: 'kept' }, serving: {} } as const;
    await this.recordServing({ previous, release: this.released() }, change, this.now());
    failPoint('unit_serving');
    await this.cleanUp();
  }

  /** Of a unit there are only records: its parts clean up what lies somewhere. */
  private async cleanUp(): Promise<void> {
    const release = this.released();
    const { service_id: serviceId, settings } = this.deployment;
    const all = await this.store.releasesOf(serviceId);
    const needed = [release._id, this.previous?._id].filter((id) => id !== undefined);
    for (const { _id } of expiredReleases(all, settings.keep, needed)) {
      await this.store.changeRelease(_id, { status: 'removed' });
    }
    for (const { _id } of unfinishedReleases(all).filter((one) => one._id !== release._id)) {
      await this.store.changeRelease(_id, { status: 'failed' });
    }
    const before = this.previous?._id === release._id ? undefined : this.previous?.number;
    await this.end('success', deploymentReasons.serves(release, before));
  }

  private released(): Release {
    if (this.release === undefined) throw new Error('a unit of no release');
    return this.release;
  }
}

/** What was switched, and not what served already. */
function hasSwitched({ status, reason }: Deployment): boolean {
  return status === 'success' && reason?.code !== 'already_serves';
}

/** The first ones have waited for the last one, which has answered just now. */
async function lookAgain(
  parts: readonly LivePart[],
  signal: AbortSignal,
): Promise<PartFailure | undefined> {
  const looks = await Promise.all(parts.slice(0, -1).map((part) => part.stillReady(signal)));
  return looks.find((failure) => failure !== undefined);
}

/** Resolves when all have ended; rejects then, where one could not be ended. */
async function endAll(parts: readonly LivePart[], reason: Reason): Promise<void> {
  const ends = await Promise.allSettled(parts.map((part) => part.holdBack(reason)));
  const failed = ends.filter(({ status }) => status === 'rejected');
  const [first] = failed;
  if (first?.status === 'rejected') throw first.reason;
}
