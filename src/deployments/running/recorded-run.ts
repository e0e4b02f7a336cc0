import { setTimeout as delay } from 'node:timers/promises';
import { failPoint } from '../../common/fail-point.js';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { maskReason } from '../../engine/runtime/reasons.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import type { PortLeases } from '../../ports/port-leases.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import {
  type ApprovedFiles,
  type Deployment,
  type DeploymentPhase,
  type DeploymentStatus,
  type DeploySettings,
  isFinished,
  isForAnyWorker,
  LOGS_KEPT,
  type Release,
  type Service,
  type TargetSettings,
} from '../record/deployment.js';
import type {
  DeploymentChange,
  DeploymentStore,
  ReleaseChange,
} from '../record/deployment-store.js';
import type { ReleaseEnvironments } from './release-environments.js';
import {
  DeployRefusedError,
  type DeployTarget,
  TargetAwayError,
} from '../targets/deploy-target.js';
import { type DeploymentGate, passApprovals } from './approval-gate.js';
import { deploymentReasons } from './deployment-reasons.js';
import type { InstanceTurns } from './instance-turns.js';
import { drainsBeyond, MOST_DRAINING } from './many-drains.js';

const POLL_MS = 250;
/** For people and days: what they say need not be heard at once. */
const GATE_POLL_MS = 1000;
const CANCEL_LOOK_MS = 1_000;

/** Somebody else has taken the deployment: nothing that this process does of it counts any more. */
export class DeploymentFencedError extends Error {
  constructor(id: string) {
    super(`the deployment ${id} was taken by another worker`);
    this.name = 'DeploymentFencedError';
  }
}

export type BarrierWord =
  | { readonly kind: 'switch' }
  /** All of it is undone. */
  | {
      readonly kind: 'undo';
      readonly status: 'failed' | 'cancelled';
      readonly reason: Reason;
    };

/**
 * Where a deployment stands before its switch, until its unit says what becomes of it.
 * @param look asks once more whether it could serve; rejects with why not
 */
export type SwitchBarrier = (look: (signal: AbortSignal) => Promise<void>) => Promise<BarrierWord>;

export interface RunDeployment {
  /** Of a rollback and after a crash of a step there is none. */
  readonly source?: StepFiles;
  /** What has to lie there in the end, of a promotion. */
  readonly digest?: string;
  /** Of a unit, by the names of its parts. */
  readonly sources?: ReadonlyMap<string, StepFiles>;
  /** Of a part of a unit: nothing is switched before this says so. */
  readonly barrier?: SwitchBarrier;
  /** Of a part of a unit: it has switched. It cleans up when this resolves. */
  readonly switched?: () => Promise<void>;
  /** Of the execution that deploys: an older one is refused. Undefined: nothing is compared. */
  readonly datedBy?: string;
  /** It is not compared. */
  readonly mayBeOlder?: boolean;
  /** Of a step that gives its worker back while the gate is closed. Absent: it waits here. */
  readonly suspend?: SuspendedWait | undefined;
  readonly tell?: (line: string) => void;
  /** Takes out of lines and reasons what may not be shown. */
  readonly mask?: (text: string) => string;
  /** Its reason is an `interrupt` or a cancel; it counts until the switch. */
  readonly signal: AbortSignal;
}

export interface SuspendedWait {
  /** The execution attempt that does it. */
  readonly attempt: number;
  /** For so long it waits from when it was asked for, ms. */
  readonly limitMs: number;
  /** What people are asked about. */
  readonly files: () => Promise<readonly ApprovedFiles[]>;
}

export interface DeploymentTools {
  readonly store: DeploymentStore;
  readonly targetOf: (settings: TargetSettings) => DeployTarget;
  readonly host: string;
  /** Absent: nothing asks for anybody's word. */
  readonly gate?: DeploymentGate;
  /** What else is known of a service that is removed goes with it. Idempotent. */
  readonly forget?: (serviceId: string) => Promise<void>;
  /** Which ports a service has, for who is told what is removed; absent: none is told. */
  readonly ports?: Pick<PortLeases, 'list'>;
  /** What a rollback tells of its environment before; absent: nothing. */
  readonly environments?: Pick<ReleaseEnvironments, 'warnings' | 'ofParts'>;
  /** Absent: nobody else starts and stops instances. */
  readonly turns?: InstanceTurns;
  /** Default: 1 s. */
  readonly gatePollMs?: number;
  readonly now?: () => Date;
}

/**
 * A deployment that this worker has taken, as its record is kept: its turn in the line of its
 * service, the approvals, its phases and its end. Who extends it says what is done. What it is
 * about to do is stored before it does it.
 */
export abstract class RecordedRun<S extends DeploySettings> {
  protected readonly now: () => Date;

  constructor(
    protected deployment: Deployment<S>,
    protected readonly tools: DeploymentTools,
    protected readonly asked: RunDeployment,
  ) {
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
      if (this.isOrphan()) await this.undo('failed', deploymentReasons.workerLost());
      else if (this.deployment.phase === null && !(await this.mayBegin())) return this.deployment;
      else await this.fromHere();
    } finally {
      if (isFinished(this.deployment)) {
        failPoint('deployment_ended');
        await this.leave();
      }
    }
    return this.deployment;
  }

  protected get store(): DeploymentStore {
    return this.tools.store;
  }

  /** False: it has ended meanwhile, or is left to another process. */
  protected async mayBegin(): Promise<boolean> {
    return (await this.passApprovals()) && (await this.awaitTurn());
  }

  private async passApprovals(): Promise<boolean> {
    const { signal } = this.asked;
    const { _id: id, fence } = this.deployment;
    const isForAny = isForAnyWorker(this.deployment);
    return passApprovals(this.tools.gate, {
      signal,
      pollMs: this.tools.gatePollMs ?? GATE_POLL_MS,
      now: () => this.stored(),
      isEnded: () => this.endIfStopped(),
      // Of a step there is nobody else who has its files.
      isLeft: () => isForAny && this.deployment.gate === 'closed' && signal.aborted,
      close: async (reason) => {
        if (await this.isRefusedBefore()) return;
        this.tell(reason.message);
        await this.change({ status: 'waiting', gate: 'closed', reason });
        await this.leave();
      },
      suspend: this.asked.suspend && ((reason) => this.suspend(reason)),
      open: async () => {
        if (!(await this.store.openGate({ id, fence }))) return false;
        await this.change({ status: 'pending', gate: 'open', reason: null });
        return true;
      },
      refuse: (reason) => this.end('failed', reason),
    });
  }

  /**
   * What its plan would refuse as things are, and warn of; nothing is changed.
   * @returns warnings
   * @throws DeployRefusedError
   */
  protected foresee(_service: Service): Promise<readonly Reason[]> {
    return Promise.resolve([]);
  }

  /**
   * Nobody is asked about what its plan would refuse: it ends. Who is asked sees its warnings. What
   * changes later is seen then.
   */
  private async isRefusedBefore(): Promise<boolean> {
    try {
      const foreseen = await this.foresee(await this.serviceNow());
      const warnings = this.warnedOf(foreseen);
      if (warnings.length > this.deployment.warnings.length) await this.change({ warnings });
      return false;
    } catch (error) {
      // One that is away now may be back when it is approved.
      if (error instanceof TargetAwayError) return false;
      if (!isOfTarget(error) && !isOfDisk(error)) throw error;
      await this.end('failed', reasonOf(error));
      return true;
    }
  }

  /** Its warnings, with those that it does not have yet. */
  protected warnedOf(more: readonly Reason[]): readonly Reason[] {
    const { warnings } = this.deployment;
    return [...warnings, ...more.filter((one) => !warnings.some((has) => isSame(has, one)))];
  }

  /** What is approved stays what it was when people were asked first. */
  private async suspend(reason: Reason): Promise<void> {
    const { suspend } = this.asked;
    if (suspend === undefined) throw new Error('nobody would continue with it');
    if (await this.isRefusedBefore()) return;
    const { created_at: from, expires_at, approved_files, images_on } = this.deployment;
    if (this.deployment.reason?.message !== reason.message) this.tell(reason.message);
    const files = approved_files ?? (await this.filesToApprove(suspend));
    if (files === undefined) return;
    await this.change({
      ...{ status: 'waiting', gate: 'closed', reason, suspended_in: suspend.attempt },
      expires_at: expires_at ?? new Date(from.getTime() + suspend.limitMs),
      approved_files: files,
      // Another host may have come to it since.
      images_on: images_on ?? this.tools.host,
    });
    await this.leave();
    failPoint('deployment_suspended');
  }

  /** Undefined: it has ended, since there is nothing that people could approve. */
  private async filesToApprove(
    suspend: SuspendedWait,
  ): Promise<readonly ApprovedFiles[] | undefined> {
    try {
      return await suspend.files();
    } catch (error) {
      if (error instanceof DeploymentFencedError || isDatabaseUnavailable(error)) throw error;
      if (this.asked.signal.aborted) await this.undo('cancelled', this.stopReason());
      else {
        // Nobody would come to it once more.
        await this.undo('failed', reasonOf(error));
        // Whatever the disk says is told; anything else is a defect of ours.
        const isTold = isOfTarget(error) || (error as NodeJS.ErrnoException).code !== undefined;
        if (!isTold) throw error;
      }
      return undefined;
    }
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

  /** Whoever is ending the last instance of a release has ended it before. */
  protected async inTurn(release: Release, work: () => Promise<void>): Promise<void> {
    const { turns } = this.tools;
    if (turns === undefined) return work();
    await turns.wait(release, this.asked.signal, work);
  }

  protected async pause(ms = POLL_MS): Promise<void> {
    const { signal } = this.asked;
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** What the system asked for, since a release failed, is not done to another one. */
  protected async endIfOvertaken(service: Service): Promise<boolean> {
    const { failed_release_id: failed } = this.deployment;
    if (failed === undefined) return false;
    const { release_id: id, stopped } = service;
    if (id === failed && !stopped) return false;
    const serving = id === null || stopped ? undefined : await this.store.release(id);
    await this.end('cancelled', deploymentReasons.overtaken(serving));
    return true;
  }

  /** @throws DeployRefusedError */
  protected checkAge(serving: Release | undefined): void {
    const { datedBy, mayBeOlder } = this.asked;
    const servesSince = serving?.dated_by;
    if (datedBy === undefined || mayBeOlder === true) return;
    if (serving === undefined || !servesSince) return;
    // Ids of executions are in the order of time.
    if (datedBy < servesSince) throw new DeployRefusedError(deploymentReasons.older(serving));
  }

  /** What is done may take minutes: who cancels meanwhile is not left waiting. */
  protected abortOnCancel(controller: AbortController): PeriodicTask {
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

  protected async endIfStopped(): Promise<boolean> {
    if (isFinished(this.deployment)) return true;
    const why = await this.stopAsked();
    if (why !== undefined) await this.undo('cancelled', why);
    return why !== undefined;
  }

  /** Why it is to stop before its switch; undefined: nobody wants that. */
  protected async stopAsked(): Promise<Reason | undefined> {
    if (this.asked.signal.aborted) return this.stopReason();
    const { cancel_requested_by: by } = await this.stored();
    return by === null ? undefined : deploymentReasons.cancelled(by);
  }

  /** @throws DeploymentFencedError */
  protected async stored(): Promise<Deployment> {
    const { _id, fence } = this.deployment;
    const now = await this.store.find(_id);
    if (now?.fence !== fence) throw new DeploymentFencedError(_id);
    return now;
  }

  protected stopReason(): Reason {
    const { kind } = (this.asked.signal.reason ?? {}) as { readonly kind?: string };
    if (kind === 'unit') return deploymentReasons.unitUndone();
    return kind === 'interrupt' ? deploymentReasons.interrupted() : deploymentReasons.cancelled();
  }

  protected async serviceNow(): Promise<Service> {
    const { service_id: id } = this.deployment;
    const service = await this.store.service(id);
    if (service === undefined) throw new Error(`there is no service ${id}`);
    return service;
  }

  /**
   * The record says that the release serves, and what became of the one before.
   * @throws DeploymentFencedError
   */
  protected async recordServing(
    { previous, release }: { readonly previous: Release | undefined; readonly release: Release },
    change: { readonly retired: ReleaseChange; readonly serving: ReleaseChange },
    at: Date,
  ): Promise<void> {
    const { service_id: serviceId, _id } = this.deployment;
    if (!(await this.store.setServing(serviceId, _id, release._id, at))) {
      throw new DeploymentFencedError(_id);
    }
    const isRetired = Object.keys(change.retired).length > 0;
    if (previous !== undefined && previous._id !== release._id && isRetired) {
      await this.store.changeRelease(previous._id, change.retired);
    }
    const served_at = release.served_at ?? at;
    await this.store.changeRelease(release._id, {
      ...change.serving,
      status: 'serving',
      served_at,
    });
    await this.enter('clean_up');
  }

  /**
   * Before one more release drains: of those that do, the oldest ends where they are too many, and
   * the deployment says so. May be done twice.
   * @param next the one that is to drain @param serving drains no more, whatever its record says
   */
  protected async makeRoomToDrain(
    next: Pick<Release, '_id' | 'drain_until'>,
    serving?: Release['_id'],
  ): Promise<void> {
    const now = this.now().getTime();
    const drains = ({ drain_until: until }: Pick<Release, 'drain_until'>): boolean =>
      (until?.getTime() ?? 0) > now;
    if (!drains(next)) return;
    const others = (await this.store.releasesOf(this.deployment.service_id)).filter(
      (one) =>
        one.status === 'draining' && drains(one) && one._id !== next._id && one._id !== serving,
    );
    const cut = drainsBeyond(others, MOST_DRAINING - 1);
    await this.warnOnce(cut.map((one) => deploymentReasons.drainCut(one)));
    for (const { _id } of cut) await this.store.endDrain(_id);
  }

  /** What it has said before, as by a worker that was lost, is not said again. */
  protected async warnOnce(more: readonly Reason[]): Promise<void> {
    const { warnings: before } = this.deployment;
    const warnings = this.warnedOf(more);
    if (warnings.length === before.length) return;
    for (const { message } of warnings.slice(before.length)) this.tell(`warning: ${message}`);
    await this.change({ warnings });
  }

  protected async enter(
    name: Exclude<DeploymentPhase, 'switch'>,
    change: DeploymentChange = {},
  ): Promise<void> {
    await this.change({ ...change, ...this.entered(name) });
  }

  /**
   * False: somebody was told before that it is cancelled, and it has ended so.
   * @param takeBack what is done before it ends so
   */
  protected async enterSwitch(
    change: Omit<DeploymentChange, 'settings'> = {},
    takeBack?: () => Promise<void>,
  ): Promise<boolean> {
    const { _id: id, fence, logs } = this.deployment;
    const entered = { ...change, ...this.entered('switch') };
    if (await this.store.enterSwitch({ id, fence }, { logs, ...entered })) {
      this.deployment = { ...this.deployment, ...entered };
      return true;
    }
    const why = await this.stopAsked();
    if (why === undefined) throw new DeploymentFencedError(id);
    await takeBack?.();
    await this.undo('cancelled', why);
    return false;
  }

  private entered(name: DeploymentPhase): Pick<Deployment, 'phase' | 'phases'> {
    const at = this.now();
    const phases = [...this.closedPhases(at), { name, started_at: at, finished_at: null }];
    return { phase: name, phases };
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
    await this.keepProblem(status, shown);
    const phases = this.closedPhases(finished_at);
    await this.change({ ...change, status, reason: shown, finished_at, phases });
  }

  /** Before the end is stored: who is killed between both does it again. */
  private async keepProblem(status: DeploymentStatus, { message }: Reason): Promise<void> {
    const { watched, warnings } = this.deployment;
    if (watched === undefined || status === 'success') return;
    const { service_id: service, release_id: release } = watched;
    const why = warnings.find(({ code }) => code === 'watch_failed')?.message ?? 'it failed';
    await this.store.setProblem(service, release, deploymentReasons.notGoneBack(why, message));
  }

  /** Holds neither its service nor, where that has never served, its place. */
  private async leave(): Promise<void> {
    const { service_id: serviceId, _id } = this.deployment;
    await this.store.freeService(serviceId, _id);
  }

  private masked(text: string): string {
    return this.asked.mask?.(text) ?? text;
  }

  /** Of the phase that ends now; it is stored with the next one, or with the end. */
  protected keepSaid(said: readonly string[]): void {
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
  protected async change(change: Omit<DeploymentChange, 'settings'>): Promise<void> {
    await this.write(change);
    this.deployment = { ...this.deployment, ...change };
  }

  /** Before it begins. @throws DeploymentFencedError */
  protected async changeSettings(settings: S): Promise<void> {
    await this.write({ settings });
    this.deployment = { ...this.deployment, settings };
  }

  private async write(change: DeploymentChange): Promise<void> {
    const { _id: id, fence, logs } = this.deployment;
    const isOurs = await this.store.change({ id, fence }, { logs, ...change });
    if (!isOurs) throw new DeploymentFencedError(id);
  }

  /** Takes a part that this one has stored. @throws DeploymentFencedError */
  protected async takePart(part: Deployment): Promise<Deployment> {
    const taken = await this.store.take(part, this.deployment.worker_id ?? '');
    if (taken === undefined) throw new DeploymentFencedError(part._id);
    return taken;
  }

  /** From wherever it stands. */
  protected abstract fromHere(): Promise<void>;

  /** Reads what the record names. Default: nothing is needed of that. */
  protected load(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether what it needs ended with its worker, before it began. Default: it needs nothing. */
  protected isOrphan(): boolean {
    return false;
  }

  /** Of a deployment that has not switched. Default: it has done nothing before that. */
  protected undo(status: 'failed' | 'cancelled', reason: Reason): Promise<void> {
    return this.end(status, reason);
  }
}

/** What a target itself says, with its reason. */
export function isOfTarget(error: unknown): error is DeployRefusedError | TargetAwayError {
  return error instanceof DeployRefusedError || error instanceof TargetAwayError;
}

/** Why a deployment fails by an error. */
export function reasonOf(error: unknown): Reason {
  return isOfTarget(error) ? error.reason : deploymentReasons.failed(messageOf(error));
}

/** Whatever the disk says is told; anything else is a defect of ours, or the database is away. */
function isOfDisk(error: unknown): boolean {
  if (error instanceof DeploymentFencedError || isDatabaseUnavailable(error)) return false;
  const { code, errno } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && errno !== undefined;
}

function isSame(one: Reason, other: Reason): boolean {
  return one.code === other.code && one.message === other.message;
}
