import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { shownSize } from '../../common/values/shown-size.js';
import { quoted } from '../../common/values/redact-urls.js';
import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { maskReason } from '../../engine/runtime/reasons.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type Deployment,
  type DeploymentPhase,
  type DeploymentStatus,
  hostOf,
  isFinished,
  placeOn,
  sshOf,
  type Release,
  type Service,
  type TargetSettings,
} from '../record/deployment.js';
import {
  type DeploymentChange,
  type DeploymentStore,
  PlaceTakenError,
  type ReleaseChange,
  type ServicePlace,
} from '../record/deployment-store.js';
import {
  DeployRefusedError,
  type DeployTarget,
  type ReleaseRunner,
  TargetAwayError,
} from '../targets/deploy-target.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { type DeploymentGate, passApprovals } from './approval-gate.js';
import type { InstanceTurns } from './instance-turns.js';
import { deploymentReasons } from './deployment-reasons.js';
import { expiredReleases } from './expired-releases.js';

const POLL_MS = 250;
/** For people and days: what they say need not be heard at once. */
const GATE_POLL_MS = 1000;
/** Characters of a command that the log shows. */
const SHOWN = 200;
const LOGS_KEPT = 100;
const CANCEL_LOOK_MS = 1_000;

/** Somebody else has taken the deployment: nothing that this process does of it counts any more. */
export class DeploymentFencedError extends Error {
  constructor(id: string) {
    super(`the deployment ${id} was taken by another worker`);
    this.name = 'DeploymentFencedError';
  }
}

export interface RunDeployment {
  /** Of a rollback and after a crash of a step there is none. */
  readonly source?: StepFiles;
  /** What has to lie there in the end, of a promotion. */
  readonly digest?: string;
  /** Of the execution that deploys: an older one is refused. Undefined: nothing is compared. */
  readonly datedBy?: string;
  /** It is not compared. */
  readonly mayBeOlder?: boolean;
  readonly tell?: (line: string) => void;
  /** Takes out of lines and reasons what may not be shown. */
  readonly mask?: (text: string) => string;
  /** Its reason is an `interrupt` or a cancel; it counts until the switch. */
  readonly signal: AbortSignal;
}

export interface DeploymentTools {
  readonly store: DeploymentStore;
  readonly targetOf: (settings: TargetSettings) => DeployTarget;
  readonly host: string;
  /** Absent: nothing asks for anybody's word. */
  readonly gate?: DeploymentGate;
  /** What else is known of a service that is removed goes with it. Idempotent. */
  readonly forget?: (serviceId: string) => Promise<void>;
  /** Absent: nobody else starts and stops instances. */
  readonly turns?: InstanceTurns;
  /** Default: 1 s. */
  readonly gatePollMs?: number;
  readonly now?: () => Date;
}

/**
 * Does one deployment that this worker has taken, from wherever it stands to its end. What it is
 * about to do is stored before it does it. After a crash another worker takes the record, looks at
 * what really serves, and finishes or undoes.
 */
export class DeploymentRun {
  private readonly target: DeployTarget;
  protected readonly now: () => Date;
  private release: Release | undefined;
  private previous: Release | undefined;

  constructor(
    protected deployment: Deployment,
    protected readonly tools: DeploymentTools,
    private readonly asked: RunDeployment,
  ) {
    this.target = tools.targetOf(deployment.settings);
    this.now = tools.now ?? (() => new Date());
  }

  /**
   * To the end. Rejects when the store is away, or a target cannot even say what serves: then the
   * record stays as it is, and is taken again.
   *
   * @throws DeploymentFencedError
   */
  async run(): Promise<Deployment> {
    await this.load();
    try {
      if (this.isOrphan) await this.undo('failed', deploymentReasons.workerLost());
      else if (this.deployment.phase === null && !(await this.mayBegin())) return this.deployment;
      else await this.fromHere();
    } finally {
      if (isFinished(this.deployment)) await this.leave();
    }
    return this.deployment;
  }

  /** Its files were those of a step, which ended with its worker. */
  private get isOrphan(): boolean {
    const { kind, phase } = this.deployment;
    const isBegun = phase !== null && phase !== 'plan';
    return kind === 'deploy' && this.asked.source === undefined && !isBegun;
  }

  private async load(): Promise<void> {
    const { release_id: id, previous_release_id: before } = this.deployment;
    if (id !== null) this.release = await this.store.release(id);
    if (before !== null) this.previous = await this.store.release(before);
  }

  protected get store(): DeploymentStore {
    return this.tools.store;
  }

  /** False: it has ended meanwhile, or is left to another process. */
  private async mayBegin(): Promise<boolean> {
    return (await this.passApprovals()) && (await this.awaitTurn());
  }

  private async passApprovals(): Promise<boolean> {
    const { signal } = this.asked;
    const { _id: id, fence, kind } = this.deployment;
    return passApprovals(this.tools.gate, {
      signal,
      pollMs: this.tools.gatePollMs ?? GATE_POLL_MS,
      now: () => this.stored(),
      isEnded: () => this.endIfStopped(),
      // Of a step there is nobody else who has its files.
      isLeft: () => kind === 'promote' && this.deployment.gate === 'closed' && signal.aborted,
      close: async (reason) => {
        this.tell(reason.message);
        await this.change({ status: 'waiting', gate: 'closed', reason });
      },
      open: async () => {
        if (!(await this.store.openGate({ id, fence }))) return false;
        await this.change({ status: 'pending', gate: 'open', reason: null });
        return true;
      },
      refuse: (reason) => this.end('failed', reason),
    });
  }

  /** False: it has ended meanwhile. */
  private async awaitTurn(): Promise<boolean> {
    const { _id, service_id: serviceId, turn } = this.deployment;
    for (;;) {
      if (await this.endIfStopped()) return false;
      const first = await this.store.firstBefore(serviceId, turn);
      if (first === undefined && (await this.store.claimService(serviceId, _id))) return true;
      const holder = first ?? (await this.holderOf(serviceId));
      if (holder !== undefined && this.deployment.status !== 'waiting') {
        const reason = deploymentReasons.behind(holder);
        this.tell(reason.message);
        await this.change({ status: 'waiting', reason });
      }
      await this.pause();
    }
  }

  /** Who has the service; of one that is over the service is freed. */
  private async holderOf(serviceId: string): Promise<Deployment | undefined> {
    const active = (await this.store.service(serviceId))?.active;
    const holder = active ? await this.store.find(active) : undefined;
    if (active && (holder === undefined || isFinished(holder))) {
      await this.store.freeService(serviceId, active);
      return undefined;
    }
    return holder;
  }

  private async pause(): Promise<void> {
    const { signal } = this.asked;
    try {
      await delay(POLL_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** On from its phase. */
  protected async fromHere(): Promise<void> {
    const { phase } = this.deployment;
    if (phase === 'clean_up') return this.cleanUp();
    if (phase === 'switch') return this.settleSwitch(deploymentReasons.workerLost());
    if (phase === 'before_switch') {
      return this.undo('failed', deploymentReasons.lostBefore(this.released()));
    }
    if (phase === 'prepare' || phase === 'start' || phase === 'gate') {
      return this.undo('failed', deploymentReasons.workerLost());
    }
    try {
      await this.toSwitch();
    } catch (error) {
      if (error instanceof DeploymentFencedError) throw error;
      await this.afterError(error);
    }
  }

  private async toSwitch(): Promise<void> {
    await this.enter('plan', { status: 'running', started_at: this.now(), reason: null });
    const service = await this.serviceNow();
    const warnings = await this.plan(service);
    const told = [...this.deployment.warnings, ...warnings];
    await this.change({ warnings: told, previous_release_id: service.release_id });
    for (const { message } of told) this.tell(`warning: ${message}`);
    if (await this.endIfStopped()) return;
    if (this.deployment.kind !== 'rollback') await this.prepare(service);
    if (isFinished(this.deployment) || (await this.endIfStopped())) return;
    const { runner } = this.target;
    if (runner !== undefined) {
      await this.runBefore(runner);
      if (await this.endIfStopped()) return;
      await this.startBeside(runner);
    }
    if (await this.endIfStopped()) return;
    if (!(await this.switchOver())) return;
    await this.settleSwitch(deploymentReasons.failed('the switch was made, and is gone'));
  }

  /** @throws DeployRefusedError */
  private async plan(known: Service): Promise<readonly Reason[]> {
    const { settings, kind } = this.deployment;
    const host = hostOf(settings, this.tools.host);
    const refuse = (reason: Reason): never => {
      throw new DeployRefusedError(reason);
    };
    const service = known.release_id === null ? await this.placed(known, host) : known;
    if (service.service_type !== this.deployment.type) {
      refuse(deploymentReasons.otherType(service));
    }
    const isElsewhere = service.host !== host;
    if (isElsewhere && sshOf(settings) !== undefined) {
      refuse(deploymentReasons.otherPlace(service._id, service.place));
    }
    if (isElsewhere) refuse(deploymentReasons.otherHost(service._id, service.host));
    const place = this.target.placeOf(settings);
    const own = placeOn(host, place);
    if (service.place !== own) refuse(deploymentReasons.otherPlace(service._id, service.place));
    for (const { _id, place: other } of await this.store.servicesOn(host)) {
      const isApart = !other.startsWith(`${own}/`) && !own.startsWith(`${other}/`);
      if (_id !== service._id && !isApart) refuse(deploymentReasons.placeTaken(place, _id));
    }
    this.previous = service.release_id ? await this.store.release(service.release_id) : undefined;
    if (kind === 'rollback') await this.checkKept();
    else this.checkAge();
    return this.target.plan(service._id, settings);
  }

  /** A service that has never served lives where it is deployed to. @throws DeployRefusedError */
  private async placed(service: Service, host: string): Promise<Service> {
    const own = this.target.placeOf(this.deployment.settings);
    const place = placeOn(host, own);
    const { type: service_type } = this.deployment;
    const at = { host, place, service_type };
    if (isDeepStrictEqual(at, pickPlace(service))) return service;
    try {
      await this.store.takePlace(service._id, at);
    } catch (error) {
      if (!(error instanceof PlaceTakenError)) throw error;
      throw new DeployRefusedError(deploymentReasons.placeTaken(own, error.serviceId));
    }
    return { ...service, ...at };
  }

  private checkAge(): void {
    const { datedBy, mayBeOlder } = this.asked;
    const serving = this.previous;
    const servesSince = serving?.dated_by;
    if (datedBy === undefined || mayBeOlder === true) return;
    if (serving === undefined || !servesSince) return;
    // Ids of executions are in the order of time.
    if (datedBy < servesSince) throw new DeployRefusedError(deploymentReasons.older(serving));
  }

  /** A release that is kept is what it was, or nobody goes back to it. */
  private async checkKept(): Promise<void> {
    const { release } = this;
    if (release === undefined) throw new Error('a rollback to no release');
    const digest = await this.target.digestOf(this.reached(release));
    if (digest === undefined) {
      throw new DeployRefusedError(deploymentReasons.releaseGone(release.number));
    }
    if (digest !== release.digest) {
      throw new DeployRefusedError(deploymentReasons.releaseChanged(release.number));
    }
  }

  private async prepare(service: Service): Promise<void> {
    const { source, signal, datedBy } = this.asked;
    if (source === undefined) throw new Error('a deploy of nothing');
    const { _id, settings, environment, service: name, type, host } = this.deployment;
    const { execution_id, pipeline_id, commit } = this.deployment;
    const number = await this.store.nextRelease(service._id);
    const release: Release = {
      ...{ _id: uuidV7(), service_id: service._id, environment, service: name, number },
      ...{ type, settings, host, status: 'preparing', deployment_id: _id },
      ...{ execution_id, pipeline_id, commit, dated_by: datedBy ?? execution_id },
      ...{ digest: null, files: 0, bytes: 0, created_at: this.now(), served_at: null },
    };
    // Named before it is there: what a crash leaves of it is found.
    await this.enter('prepare', { release_id: release._id });
    this.release = release;
    await this.store.insertRelease(release);
    const what = preparedFrom(settings, this.target.placeOf(settings));
    this.tell(`release ${number} of ${service._id} is prepared ${what}`);
    const { warnings, ...placed } = await this.target.prepare(release, source, signal);
    this.release = { ...release, ...placed, status: 'prepared' };
    await this.store.changeRelease(release._id, { ...placed, status: 'prepared' });
    const { files, bytes } = placed;
    const count = files === 0 ? [] : [`${files} ${files === 1 ? 'file' : 'files'}`];
    this.tell([...count, shownSize(bytes), placed.digest].join(', '));
    for (const { message } of warnings) this.tell(`warning: ${message}`);
    if (warnings.length > 0) {
      await this.change({ warnings: [...this.deployment.warnings, ...warnings] });
    }
    const { digest } = this.asked;
    if (digest !== undefined && placed.digest !== digest) {
      throw new DeployRefusedError(deploymentReasons.digestDiffers(digest, placed.digest));
    }
    failPoint('release_prepared');
    await this.keepServing(placed.digest);
  }

  /** What an earlier attempt of the execution has put into service is not put there again. */
  private async keepServing(digest: string): Promise<void> {
    const { previous, release } = this;
    const { execution_id: execution } = this.deployment;
    if (previous === undefined || release === undefined || execution === null) return;
    if (previous.execution_id !== execution || previous.digest !== digest) return;
    // Of a program its files are not all: how it is run is part of the release.
    const isProgram = release.settings.type !== 'local_directory';
    if (isProgram && !isDeepStrictEqual(previous.settings, release.settings)) return;
    await this.target.remove(release);
    await this.store.changeRelease(release._id, { status: 'failed' });
    this.release = previous;
    await this.end('success', deploymentReasons.unchanged(previous), {
      release_id: previous._id,
    });
  }

  /** Once for each release: one that has served and comes back has done it. */
  private async runBefore(runner: ReleaseRunner): Promise<void> {
    const release = this.released();
    const what = runner.before(release.settings);
    if (what === undefined || this.deployment.kind === 'rollback') return;
    await this.enter('before_switch');
    this.tell(`release ${release.number} runs ${what}, whose changes nobody takes back`);
    failPoint('before_switch_begun');
    await this.unlessCancelled((signal, tell) => runner.runBefore(release, tell, signal));
  }

  /** The instance of the release runs, and has answered. */
  private async startBeside(runner: ReleaseRunner): Promise<void> {
    const release = this.released();
    await this.enter('start');
    const isBack = this.deployment.kind === 'rollback';
    // What is kept does not run. Of its last instance, of which something may be left, nothing is
    // taken for the new one.
    this.tell(`release ${release.number} is started`);
    await this.inTurn(release, async () => {
      if (isBack && (await this.store.release(release._id))?.status === 'kept') {
        await runner.stop(release);
      }
      await runner.start(release);
    });
    failPoint('instance_started');
    await this.enter('gate');
    await this.unlessCancelled((signal, tell) => runner.gate(release, tell, signal));
    failPoint('gate_passed');
  }

  /** Ends early, and quietly, where somebody cancels meanwhile. */
  private async unlessCancelled(
    work: (signal: AbortSignal, tell: (line: string) => void) => Promise<void>,
  ): Promise<void> {
    const cancelled = new AbortController();
    const signal = AbortSignal.any([this.asked.signal, cancelled.signal]);
    const watch = this.abortOnCancel(cancelled);
    const said: string[] = [];
    try {
      await work(signal, (line) => this.tell(line, said));
    } catch (error) {
      if (!cancelled.signal.aborted || error !== cancelled.signal.reason) throw error;
    } finally {
      this.keepSaid(said);
      await watch.stop();
    }
  }

  /** Whoever is ending the last instance of a release has ended it before. */
  private async inTurn(release: Release, work: () => Promise<void>): Promise<void> {
    const { turns } = this.tools;
    if (turns === undefined) return work();
    await turns.wait(release, this.asked.signal, work);
  }

  /** That may take minutes: who cancels meanwhile is not left waiting. */
  private abortOnCancel(controller: AbortController): PeriodicTask {
    const look = async (): Promise<void> => {
      try {
        const now = await this.store.find(this.deployment._id);
        if (now?.cancel_requested_by) controller.abort();
      } catch (error) {
        // Asked again soon; whoever does the deployment hears of it with its next write.
        if (!isDatabaseUnavailable(error)) throw error;
      }
    };
    const task = new PeriodicTask(look, { everyMs: CANCEL_LOOK_MS, unref: true });
    task.start();
    return task;
  }

  /** False: it has ended before. */
  private async switchOver(): Promise<boolean> {
    const release = this.released();
    const { _id, fence } = this.deployment;
    const token = `${_id}.${fence}`;
    await this.change({ is_armed: true });
    await this.target.arm(release, token);
    // That may have taken minutes, in which whoever cancels was told that it is done.
    if (await this.endIfStopped()) return false;
    await this.enter('switch');
    failPoint('deployment_switching');
    await this.target.switchTo(release, token);
    failPoint('release_switched');
    return true;
  }

  /**
   * On which side of the switch the service is, by what really serves.
   * @param otherwise why the release does not serve, where it does not
   */
  private async settleSwitch(otherwise: Reason): Promise<void> {
    const release = this.released();
    await this.target.disarm(release.settings);
    if ((await this.target.serving(release.settings)) !== release.number) {
      return this.undo('failed', otherwise);
    }
    const { service_id: serviceId, _id } = this.deployment;
    const at = this.now();
    if (!(await this.store.setServing(serviceId, _id, release._id, at))) {
      throw new DeploymentFencedError(_id);
    }
    const { previous } = this;
    if (previous !== undefined && previous._id !== release._id) {
      await this.store.changeRelease(previous._id, this.retired(previous, at));
    }
    const served_at = release.served_at ?? at;
    const watch_until = this.watchedUntil(release, at);
    const change = { status: 'serving', served_at, drain_until: null, watch_until } as const;
    await this.store.changeRelease(release._id, change);
    await this.enter('clean_up');
    failPoint('deployment_serving');
    await this.cleanUp();
  }

  /** Where nothing served before there is nothing to go back to. */
  private watchedUntil({ settings }: Release, at: Date): Date | null {
    const ms = this.target.runner?.watchMs(settings) ?? 0;
    const isWatched = ms > 0 && this.previous !== undefined && this.deployment.kind !== 'rollback';
    return isWatched ? new Date(at.getTime() + ms) : null;
  }

  /** What served before: where it is a program, that has a while for what it has begun. */
  private retired({ settings }: Release, at: Date): ReleaseChange {
    const { runner } = this.target;
    if (runner === undefined) return { status: 'kept' };
    const drain_until = new Date(at.getTime() + runner.drainMs(settings));
    return { status: 'draining', drain_until };
  }

  /** What fails here takes nothing back. */
  private async cleanUp(): Promise<void> {
    const release = this.released();
    const { service_id: serviceId, settings } = this.deployment;
    try {
      const all = await this.store.releasesOf(serviceId);
      const needed = [release._id, this.previous?._id].filter((id) => id !== undefined);
      for (const expired of expiredReleases(all, settings.keep, needed)) {
        await this.target.remove(this.reached(expired));
        await this.store.changeRelease(expired._id, { status: 'removed' });
        this.tell(`release ${expired.number} is removed`);
      }
      // Those of one service are done one after another: what another one has begun is over.
      const begun = all.filter(({ status }) => status === 'preparing' || status === 'prepared');
      for (const left of begun.filter(({ _id }) => _id !== release._id)) {
        await this.target.remove(this.reached(left));
        await this.store.changeRelease(left._id, { status: 'failed' });
      }
    } catch (error) {
      if (error instanceof DeploymentFencedError) throw error;
      const warning = deploymentReasons.notCleanedUp(messageOf(error));
      this.tell(`warning: ${warning.message}`);
      await this.change({ warnings: [...this.deployment.warnings, warning] });
    }
    const before = this.previous?._id === release._id ? undefined : this.previous?.number;
    await this.end('success', deploymentReasons.serves(release, before));
  }

  /** Of a deployment that has not switched. */
  private async undo(status: 'failed' | 'cancelled', reason: Reason): Promise<void> {
    const { kind, release_id: id } = this.deployment;
    const { release } = this;
    if (kind !== 'rollback' && id !== null && release !== undefined) {
      let isDisarmed = false;
      try {
        await this.target.disarm(release.settings);
        isDisarmed = true;
        await this.target.remove(release);
        await this.store.changeRelease(release._id, { status: 'failed' });
      } catch (error) {
        if (error instanceof DeploymentFencedError || isDatabaseUnavailable(error)) throw error;
        const isKnown = error instanceof TargetAwayError || error instanceof DeployRefusedError;
        if (!isKnown && !isDisarmed) throw error;
        // It has not switched and nobody will: only files are left, which the next one removes.
        const warning = deploymentReasons.notCleanedUp(messageOf(error));
        await this.change({ warnings: [...this.deployment.warnings, warning] });
      }
    }
    await this.end(status, reason);
  }

  private async afterError(error: unknown): Promise<void> {
    const { phase } = this.deployment;
    if (isFinished(this.deployment)) throw error;
    const failed = deploymentReasons.failed(messageOf(error));
    if (phase === 'switch') return this.settleSwitch(failed);
    if (phase === 'clean_up') throw error;
    if (this.asked.signal.aborted) return this.undo('cancelled', this.stopReason());
    if (error instanceof DeployRefusedError || error instanceof TargetAwayError) {
      return this.undo('failed', error.reason);
    }
    const { code } = error as NodeJS.ErrnoException;
    // Whatever the disk says is told; what is no word of a target or a disk is a defect of ours.
    await this.undo('failed', failed);
    if (code === undefined) throw error;
  }

  protected async endIfStopped(): Promise<boolean> {
    if (isFinished(this.deployment)) return true;
    if (this.asked.signal.aborted) {
      await this.undo('cancelled', this.stopReason());
      return true;
    }
    const { cancel_requested_by: by } = await this.stored();
    if (by === null) return false;
    await this.undo('cancelled', deploymentReasons.cancelled(by));
    return true;
  }

  /** @throws DeploymentFencedError */
  private async stored(): Promise<Deployment> {
    const { _id, fence } = this.deployment;
    const now = await this.store.find(_id);
    if (now?.fence !== fence) throw new DeploymentFencedError(_id);
    return now;
  }

  private stopReason(): Reason {
    const { kind } = (this.asked.signal.reason ?? {}) as { readonly kind?: string };
    return kind === 'interrupt' ? deploymentReasons.interrupted() : deploymentReasons.cancelled();
  }

  /** An earlier release, by the way that leads to its host today. */
  private reached(release: Release): Release {
    const ssh = sshOf(this.deployment.settings);
    const { settings } = release;
    if (ssh === undefined || settings.type !== 'local_directory') return release;
    return { ...release, settings: { ...settings, ssh } };
  }

  private released(): Release {
    if (this.release === undefined) throw new Error('a deployment of no release');
    return this.release;
  }

  protected async serviceNow(): Promise<Service> {
    const { service_id: id } = this.deployment;
    const service = await this.store.service(id);
    if (service === undefined) throw new Error(`there is no service ${id}`);
    return service;
  }

  protected async enter(name: DeploymentPhase, change: DeploymentChange = {}): Promise<void> {
    const at = this.now();
    const phases = [...this.closedPhases(at), { name, started_at: at, finished_at: null }];
    await this.change({ ...change, phase: name, phases });
  }

  private closedPhases(at: Date): Deployment['phases'] {
    return this.deployment.phases.map((one) => ({ ...one, finished_at: one.finished_at ?? at }));
  }

  protected async end(
    status: Extract<DeploymentStatus, 'success' | 'failed' | 'cancelled'>,
    reason: Reason,
    change: DeploymentChange = {},
  ): Promise<void> {
    const finished_at = this.now();
    const shown = maskReason(reason, (text) => this.masked(text));
    this.tell(shown.message);
    const phases = this.closedPhases(finished_at);
    await this.change({ ...change, status, reason: shown, finished_at, phases });
  }

  private async leave(): Promise<void> {
    const { service_id: serviceId, _id } = this.deployment;
    await this.store.freeService(serviceId, _id);
  }

  private masked(text: string): string {
    return this.asked.mask?.(text) ?? text;
  }

  /** Of the phase that ends now; it is stored with the next one, or with the end. */
  private keepSaid(said: readonly string[]): void {
    if (said.length === 0) return;
    const { phases } = this.deployment;
    const isOf = (index: number): boolean => index === phases.length - 1;
    this.deployment = {
      ...this.deployment,
      phases: phases.map((one, index) => (isOf(index) ? { ...one, said: [...said] } : one)),
    };
  }

  /** @param kept gets the line, too */
  protected tell(said: string, kept: string[] = []): void {
    const line = this.masked(said);
    kept.push(line);
    this.asked.tell?.(line);
    const logs = [...this.deployment.logs, line].slice(-LOGS_KEPT);
    this.deployment = { ...this.deployment, logs };
  }

  /** @throws DeploymentFencedError */
  protected async change(change: DeploymentChange): Promise<void> {
    const { _id: id, fence, logs } = this.deployment;
    const isOurs = await this.store.change({ id, fence }, { logs, ...change });
    if (!isOurs) throw new DeploymentFencedError(id);
    this.deployment = { ...this.deployment, ...change };
  }
}

function pickPlace({ host, place, service_type }: Service): ServicePlace {
  return { host, place, service_type };
}

function preparedFrom(settings: TargetSettings, place: string): string {
  switch (settings.type) {
    case 'local_directory':
      return `in ${place}`;
    case 'docker_container':
      return `of ${settings.image}`;
    case 'local_service':
      return settings.command_from === undefined
        ? 'of its files'
        : `of its files; ${quoted(settings.command_from, SHOWN)} says what is run: ${quoted(String(settings.command), SHOWN)}`;
  }
}
