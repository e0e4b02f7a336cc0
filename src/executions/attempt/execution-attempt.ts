import type { Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import type { Plan } from '../../engine/plan/plan.js';
import type { EarlierRun, Reason, RunState } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { secretPlaces } from '../../engine/preview/secret-places.js';
import { maskReason } from '../../engine/runtime/reasons.js';
import type { RunResult, StopRequest } from '../../engine/runtime/run-ports.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Tracing } from '../../integrations/tracing/tracing.js';
import type { LogWriter } from '../../logs/write/log-writer.js';
import { runMasks } from '../../pipelines/compile/credential-masks.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import { BrokenSealError, MissingKeyError } from '../../secrets/encryption/keyring.js';
import type { SecretRefusal } from '../../secrets/store/secrets.service.js';
import { approvalReasons } from '../approvals/approval-reasons.js';
import type { EndExecution } from '../ending/end-execution.js';
import { abandonedSettlement, cancelReason } from '../ending/settlements.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { StoredTrace } from '../record/execution-trace.schema.js';
import { executionUrl } from '../record/execution-url.js';
import type { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import {
  type ExecutionRecord,
  type Progress,
  triggerOfCloned,
} from '../record/execution.schema.js';
import type { Hold } from '../record/execution-moves.js';
import type { ExecutionsRepository, Settlement } from '../record/executions.repository.js';
import type { LiveExecutions } from '../record/live-executions.js';
import { runContextOf } from '../record/run-context.js';
import { storedLogChunk } from '../record/stored-log-chunk.js';
import { earlierRun, storedRun, type StoredReason } from '../record/stored-state.js';
import type { StepAnswer } from '../record/suspension.js';
import type { RequeueExecution } from '../recovery/requeue-execution.js';
import { type AttemptLogs, firstSeqOf, outputTo } from './attempt-logs.js';
import {
  AttemptSuspension,
  type KeptRun,
  type SuspendedResult,
  type SuspensionTools,
} from './attempt-suspension.js';
import { maskedTrace, maskedTrigger } from './masked-run.js';
import type { PreparedFolders } from '../../workspaces/workspace-store.js';
import type { PlanRun, PlanRuns, RunAudience, RunBeginning } from './plan-runs.js';
import type { RunSecrets } from './run-secrets.js';
import { runSpans } from './run-spans.js';
import { progressOf, StatePublisher } from './state-publisher.js';
import { steadyClock } from './steady-clock.js';

/** What an attempt works with on its worker. */
export interface AttemptTools {
  readonly runs: PlanRuns;
  readonly logs: AttemptLogs;
  readonly plans: PlansService;
  readonly executions: ExecutionsRepository;
  readonly endings: EndExecution;
  readonly requeuing: RequeueExecution;
  readonly traces: ExecutionTracesRepository;
  readonly live: LiveExecutions;
  readonly tracing: Tracing;
  readonly secrets: RunSecrets;
  readonly suspending: Omit<SuspensionTools, 'executions' | 'logger'>;
  /** `PUBLIC_URL` */
  readonly publicUrl: string | undefined;
  readonly logger: Logger;
}

/**
 * How an attempt ended: with the execution, without it (it must be offered again, or waits for
 * people), or without a say in it.
 */
export type AttemptEnd = 'settled' | 'requeued' | 'suspended' | 'fenced';

/** Log lines that the execution itself keeps of its end. */
const LOGS_KEPT = 100;
/**
 * The end of a log, when it is this small, is stored by the write that tells the end: one round
 * trip less.
 */
const LOG_KEPT_BYTES = 32 * 1024;

/** What an execution keeps of its log. */
type LogEnd = Pick<Settlement, 'logs' | 'last_log_chunk'> & { readonly last_seq: number };
type Interrupted = Extract<RunResult, { readonly kind: 'interrupted' }>;
/** Names of what was not kept that the log tells. */
const LEFT_OUT_TOLD = 20;
/** However long the database is away: the end of an execution waits for it. */
const NO_DEADLINE = { deadlineMs: Infinity };

/** One execution attempt on this worker, from its claim to its end. */
export class ExecutionAttempt {
  private readonly control = new AbortController();
  /** Ends what is done to let it wait: a worker that stops lets that end. */
  private readonly keeping = new AbortController();
  private readonly suspension: AttemptSuspension;
  private readonly clock = steadyClock();
  private readonly hold: Hold;
  private readonly traces: StoredTrace[] = [];
  private storedTraces = 0;
  /** Of the attempts before, until the first state says what is kept of them. */
  private earlierTraces: readonly StoredTrace[] = [];
  private fenced = false;
  private cancelReason: Reason | undefined;
  private log: LogWriter | undefined;
  private planRun: PlanRun | undefined;
  /** Absent until the plan is known. */
  private masks: MaskSet | undefined;
  /** The last state that was published. */
  private progress: Progress | undefined;
  private cleaned: Promise<void> | undefined;

  constructor(
    private execution: ExecutionRecord,
    private readonly tools: AttemptTools,
    private readonly prepared?: PreparedFolders,
  ) {
    this.hold = { executionId: execution._id, fence: execution.attempt };
    const { suspending, executions, logger } = tools;
    this.suspension = new AttemptSuspension(this.hold, { ...suspending, executions, logger });
  }

  /** Ends the run early. A cancel outranks an interruption; the first of each kind counts. */
  stop(request: StopRequest): void {
    if (request.kind === 'cancel') {
      this.cancelReason ??= request.reason;
      this.keeping.abort(request);
    }
    if (!this.control.signal.aborted) this.control.abort(request);
  }

  /** The execution was taken from this worker: nothing that it does counts any more. */
  fence(reason: Reason): void {
    this.fenced = true;
    this.log?.abandon();
    this.stop({ kind: 'interrupt', reason });
    this.keeping.abort(reason);
  }

  /**
   * Rejects only when the end could not be stored: the database refused it for good. What the
   * attempt leaves on this machine is there until `cleanUp`.
   */
  async run(): Promise<AttemptEnd> {
    try {
      const { executionId, fence } = this.hold;
      this.planRun = await this.tools.runs.open(executionId, fence, this.prepared);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      return this.fail(executionReasons.workspaceFailed(code), error);
    }
    try {
      return await this.runIn(this.planRun);
    } catch (error) {
      return await this.fail(executionReasons.internalError(), error);
    }
  }

  /**
   * Ends what the attempt left running and removes its workspace, once; to be called when nothing
   * runs any more. Never rejects.
   */
  cleanUp(): Promise<void> {
    this.cleaned ??= this.sweep();
    return this.cleaned;
  }

  private async sweep(): Promise<void> {
    try {
      await this.planRun?.cleanUp();
    } catch (error) {
      this.problem('not cleaned up; the sweep at the next start removes the rest', error);
    }
  }

  private async runIn(planRun: PlanRun): Promise<AttemptEnd> {
    const { clone_url, unreadable } = this.execution;
    if (unreadable)
      return this.refuseFor(executionReasons.unreadable('what its trigger gave', unreadable));
    const plan = await this.plan();
    if (plan instanceof Error) return this.refuseFor(executionReasons.unreadable('its plan', plan));
    const isCloning = clone_url !== null || plan.repository !== undefined;
    const secrets = await this.tools.secrets.resolve(this.execution, plan, isCloning);
    if (secrets.kind !== 'values') return this.refuse(secrets, plan);
    const { values, taken, access, registries } = secrets;
    const hidden = [...Object.values(values), ...access.values, ...registries.values];
    const masks = (this.masks = runMasks(plan, clone_url, hidden));
    // Steps get what the forge said as it is; what is published of it from here on is masked.
    const url = executionUrl(this.tools.publicUrl, this.execution._id);
    const context = { ...runContextOf(this.execution), executionUrl: url };
    this.execution = {
      ...this.execution,
      trigger_info: maskedTrigger(this.execution.trigger_info, (text) => masks.maskText(text)),
    };
    const beginning = await this.beginning(plan, masks, planRun);
    if ('end' in beginning) return beginning.end;
    const log = this.openLog(masks);
    const publisher = this.publisher();
    const execute = (from: RunBeginning): Promise<RunResult> =>
      planRun.execute(plan, context, audience, this.control.signal, from);
    const audience: RunAudience = {
      output: outputTo(log),
      masks,
      secrets: values,
      ...(taken && { taken }),
      access,
      registries,
      clock: this.clock,
      onState: (state) => {
        this.keepTraces(state);
        publisher.push(state);
      },
      onTrace: (stage, step, trace) => this.traces.push({ stage, step: step ?? null, trace }),
    };
    let result = await execute(beginning);
    let kept: KeptRun | undefined;
    while (result.kind === 'suspended' && kept === undefined) {
      const keeping = await this.keep(planRun, result);
      if ('bytes' in keeping) kept = keeping;
      else result = await execute({ continueFrom: result, answers: keeping.answers });
    }
    await publisher.end();
    if (this.tools.tracing.current() !== undefined)
      this.tools.tracing.record(runSpans(result.state, (text) => masks.maskText(text)));
    if (result.kind === 'suspended') return this.suspend(result, kept?.bytes ?? 0, masks, log);
    return this.conclude(result, log);
  }

  /** Where its run begins; `end`: it ended before it could. */
  private async beginning(
    plan: Plan,
    masks: MaskSet,
    planRun: PlanRun,
  ): Promise<RunBeginning | { readonly end: AttemptEnd }> {
    const { suspension } = this.execution;
    if (suspension === undefined) {
      return plan.resume === true ? { resumeFrom: await this.earlier() } : {};
    }
    const { signal } = this.control;
    try {
      const from = this.suspension.opened(suspension);
      masks.add(from.masks);
      const end = await this.suspension.restore(planRun, suspension, signal);
      if (end === 'fenced') return { end };
      if (end === 'unavailable') return { end: await this.giveBack(this.unavailable()) };
      if (end !== 'restored') {
        return { end: await this.refuseFor(approvalReasons.snapshotLost(end.lost)) };
      }
      const { _id } = this.execution;
      const { traces } = this.tools;
      const before = await databaseRetry(() => traces.find(_id, suspension.attempt), NO_DEADLINE);
      this.traces.push(...before);
      return { continueFrom: from, answers: suspension.answers, images: from.images };
    } catch (error) {
      if (signal.aborted)
        return { end: await this.giveBack((signal.reason as StopRequest).reason) };
      if (!(error instanceof MissingKeyError) && !(error instanceof BrokenSealError)) throw error;
      const why = executionReasons.unreadable('what it continues from', error);
      return { end: await this.refuseFor(why) };
    }
  }

  private unavailable(): Reason {
    const worker = this.execution.placements.at(-1)?.worker_name ?? '';
    return executionReasons.snapshotUnavailable(worker);
  }

  /** Nothing of it has run here: the execution is as it was before its claim. */
  private async giveBack(reason: Reason): Promise<AttemptEnd> {
    if (this.fenced) return 'fenced';
    const log = { last_seq: firstSeqOf(this.execution) - 1, logs: [] };
    const isLogLost = this.execution.placements.at(-2)?.log_lost ?? false;
    return this.requeueAs(this.execution, reason, log, isLogLost);
  }

  /**
   * Keeps what the execution continues from, for as long as it waits. Where that cannot be, the
   * steps that wait fail, and the run continues by that.
   */
  private async keep(
    planRun: PlanRun,
    { state }: SuspendedResult,
  ): Promise<KeptRun | { readonly answers: readonly StepAnswer[] }> {
    const { signal } = this.keeping;
    try {
      const kept = await this.suspension.keep(planRun, signal);
      if (typeof kept !== 'string') {
        this.tellLeftOut(state, kept);
        return kept;
      }
      return { answers: AttemptSuspension.refusals(state, kept) };
    } catch (error) {
      if (signal.aborted) return { answers: [] };
      throw error;
    }
  }

  /** What is not there when it continues is told in the log of the steps that wait. */
  private tellLeftOut({ stages }: RunState, { leftOut }: KeptRun): void {
    if (leftOut.length === 0) return;
    const [first] = stages.flatMap(({ name: stage, steps }) =>
      steps.flatMap(({ name: step, attempts }) =>
        attempts.at(-1)?.status === 'waiting' ? [{ stage, step, attempt: attempts.length }] : [],
      ),
    );
    if (first === undefined) return;
    for (const path of leftOut.slice(0, LEFT_OUT_TOLD)) {
      this.log?.systemLine(first, `not kept while it waits: ${path}`);
    }
    const more = leftOut.length - LEFT_OUT_TOLD;
    if (more > 0) this.log?.systemLine(first, `not kept while it waits: ${more} more`);
  }

  /** Nobody holds it from then on, until what it waits for is decided. */
  private async suspend(
    result: SuspendedResult,
    bytes: number,
    masks: MaskSet,
    log: LogWriter,
  ): Promise<AttemptEnd> {
    if (this.fenced) return 'fenced';
    const end = await this.closeLog(log, 0);
    if (!end) return 'fenced';
    await this.storeTraces();
    const reported = this.withRun(progressOf(result.state, this.execution.trigger_info));
    const images = this.planRun?.pinnedImages() ?? [];
    const stored = { masks, bytes, lastSeq: end.last_seq, images };
    const outcome = await this.suspension.store(reported, result, stored);
    if (outcome === 'cancel_requested') {
      return this.abandon(reported, 'cancelled', await this.whyCancelled(), end);
    }
    if (outcome === 'fenced') return outcome;
    failPoint('execution_suspended');
    await this.cleanUp();
    await this.suspension.afterwards();
    return outcome;
  }

  private async conclude(
    result: Exclude<RunResult, SuspendedResult>,
    log: LogWriter,
  ): Promise<AttemptEnd> {
    if (this.fenced) return 'fenced';
    const isOver = result.kind === 'finished';
    const end = await this.closeLog(log, isOver ? LOG_KEPT_BYTES : 0);
    if (!end) return 'fenced';
    failPoint('log_closed');
    await this.storeTraces();
    if (result.kind === 'finished') {
      return this.settle(settlementOf(result.state, this.execution, end, this.clock.now()));
    }
    return this.requeue(result, end);
  }

  /**
   * The state that the attempts before this one have told; what is kept of it keeps its traces too.
   */
  private async earlier(): Promise<EarlierRun | undefined> {
    const { _id, attempt } = this.execution;
    if (attempt <= 1) return undefined;
    for (let before = attempt - 1; before > 0 && this.earlierTraces.length === 0; before -= 1) {
      this.earlierTraces = await databaseRetry(
        () => this.tools.traces.find(_id, before),
        NO_DEADLINE,
      );
    }
    return earlierRun(this.execution);
  }

  /** Traces of stages that this attempt has kept. */
  private keepTraces({ stages }: RunState): void {
    if (this.earlierTraces.length === 0) return;
    const over = stages.filter(({ status }) => isTerminal(status)).map(({ name }) => name);
    const kept = new Set(over);
    this.traces.push(...this.earlierTraces.filter(({ stage }) => kept.has(stage)));
    this.earlierTraces = [];
  }

  /**
   * A wanted cancel outranks every other end: then it ends as cancelled, and all else stays as it
   * was told.
   */
  private async settle(settlement: Settlement): Promise<AttemptEnd> {
    const { endings } = this.tools;
    const target = { ...this.hold, pipelineId: this.execution.pipeline_id };
    let result = await endings.end(target, settlement, NO_DEADLINE);
    if (result === 'cancel_requested') {
      const reason = await this.whyCancelled();
      const cancelled = { ...settlement, status: 'cancelled', reason } as const;
      result = await endings.end(target, cancelled, NO_DEADLINE);
    }
    return result === 'ended' ? 'settled' : 'fenced';
  }

  /** Nothing of this attempt may be alive when the execution is offered again. */
  private async requeue({ state, reason }: Interrupted, log: LogEnd): Promise<AttemptEnd> {
    return this.requeueAs(
      this.withRun(progressOf(state, this.execution.trigger_info)),
      reason,
      log,
    );
  }

  private async requeueAs(
    reported: ExecutionRecord,
    reason: Reason,
    log: LogEnd,
    isLogLost = false,
  ): Promise<AttemptEnd> {
    const rest = { reason, lastSeq: log.last_seq, isLogLost, costsRetry: false };
    const result = await this.tools.requeuing.requeue(reported, rest, () => this.cleanUp());
    if (result !== 'cancel_requested') return result;
    return this.abandon(reported, 'cancelled', await this.whyCancelled(), log);
  }

  /** Ends an execution whose run has no end of its own. */
  private abandon(
    reported: ExecutionRecord,
    status: 'failed' | 'cancelled',
    reason: Reason,
    log: LogEnd,
  ): Promise<AttemptEnd> {
    return this.settle({
      ...abandonedSettlement(reported, status, reason, new Date(this.clock.now())),
      trigger_info: reported.trigger_info,
      ...log,
    });
  }

  private withRun(run: Progress | undefined): ExecutionRecord {
    const started_at = this.execution.started_at ?? run?.started_at ?? null;
    return { ...this.execution, ...run, started_at };
  }

  /** The cancel came after the last word of the run: the request itself says why. */
  private async whyCancelled(): Promise<Reason> {
    if (this.cancelReason) return this.masked(this.cancelReason);
    const { executions } = this.tools;
    const execution = await databaseRetry(
      () => executions.find(this.hold.executionId),
      NO_DEADLINE,
    );
    return this.masked(cancelReason(execution ?? this.execution));
  }

  /**
   * The end of an execution that could not be run, or not to its end, through no fault of its
   * pipeline.
   */
  private async fail(reason: Reason, error: unknown): Promise<AttemptEnd> {
    this.problem(reason.message, error);
    if (this.fenced) return 'fenced';
    const end = this.log
      ? await this.closeLog(this.log, LOG_KEPT_BYTES)
      : { last_seq: firstSeqOf(this.execution) - 1, logs: [] };
    if (!end) return 'fenced';
    return this.abandon(this.withRun(this.progress), 'failed', reason, end);
  }

  /** The plan, or why it cannot be opened. */
  private async plan(): Promise<Plan | MissingKeyError | BrokenSealError> {
    const { plan_hash } = this.execution;
    try {
      return await databaseRetry(() => this.tools.plans.get(plan_hash), NO_DEADLINE);
    } catch (error) {
      if (error instanceof MissingKeyError || error instanceof BrokenSealError) return error;
      throw error;
    }
  }

  /** A secret that it names cannot be given: then nothing of it runs. */
  private refuse(why: SecretRefusal, plan: Plan): Promise<AttemptEnd> {
    return this.refuseFor(secretReason(why, plan));
  }

  private refuseFor(reason: StoredReason): Promise<AttemptEnd> {
    const log = { last_seq: firstSeqOf(this.execution) - 1, logs: [] };
    return this.abandon(this.withRun(undefined), 'failed', reason, log);
  }

  private openLog(masks: MaskSet): LogWriter {
    this.log = this.tools.logs.open(
      this.execution,
      masks,
      this.clock,
      ({ part, error, attempt }) => {
        if (part === 'bus') this.notLive('log', error);
        else this.problem(`log not written to the ${part}, try ${attempt}`, error);
      },
    );
    return this.log;
  }

  /**
   * Undefined: the log was abandoned, because the execution was taken from this worker meanwhile.
   */
  private async closeLog(log: LogWriter, keptBytes: number): Promise<LogEnd | undefined> {
    try {
      const { lastSeq, lastChunk } = await log.closeBut(keptBytes);
      return {
        last_seq: lastSeq,
        logs: log.tail(LOGS_KEPT),
        ...(lastChunk && { last_log_chunk: storedLogChunk(lastChunk) }),
      };
    } catch (error) {
      if (this.fenced) return undefined;
      throw error;
    }
  }

  private publisher(): StatePublisher {
    const { executions, live } = this.tools;
    return new StatePublisher(
      this.execution.trigger_info,
      {
        publishLive: (progress) => {
          this.progress = progress;
          return live.tell(this.hold.executionId, this.hold.fence, progress);
        },
        record: async (progress) => {
          await this.storeTraces();
          const last_seq = this.log?.lastSeq ?? 0;
          return executions.recordProgress(this.hold, { ...progress, last_seq });
        },
        fenced: () => this.fence(executionReasons.leaseLost()),
      },
      (where, error) => {
        if (where === 'live') this.notLive('state', error);
        else this.problem(`state not written to the ${where}`, error);
      },
    );
  }

  private async storeTraces(): Promise<void> {
    const count = this.traces.length;
    if (count === this.storedTraces) return;
    await this.tools.traces.save(this.hold, this.shownTraces());
    this.storedTraces = count;
  }

  /** Outputs from before a mask was added may show what it hides. */
  private shownTraces(): readonly StoredTrace[] {
    const { masks } = this;
    if (masks?.hasGrown !== true) return this.traces;
    return this.traces.map(({ trace, ...place }) => ({
      ...place,
      trace: maskedTrace(trace, (text) => masks.maskText(text)),
    }));
  }

  private masked(reason: Reason): Reason {
    const { masks } = this;
    return masks === undefined ? reason : maskReason(reason, (text) => masks.maskText(text));
  }

  /**
   * Redis away is logged once, where the connection is; here it comes with every packet of every
   * log.
   */
  private notLive(what: string, error: unknown): void {
    this.tools.logger.debug({ err: error, executionId: this.hold.executionId }, `${what} not live`);
  }

  private problem(what: string, error: unknown): void {
    this.tools.logger.warn({ err: error, executionId: this.hold.executionId }, what);
  }
}

function secretReason(why: SecretRefusal, plan: Plan): StoredReason {
  switch (why.kind) {
    case 'missing':
      return executionReasons.secretMissing(why.names, secretPlaces(plan));
    case 'withheld':
      return executionReasons.secretWithheld(why.secrets, why.run);
    case 'unreadable':
      return executionReasons.secretUnreadable(why.name, why.keyId);
  }
}

function settlementOf(
  state: RunState,
  execution: ExecutionRecord,
  log: LogEnd,
  now: number,
): Settlement {
  if (!isTerminal(state.status)) throw new Error(`a run that is over is ${state.status}`);
  const finishedAt = state.finishedAt ?? now;
  const startedAt = execution.started_at?.getTime() ?? state.startedAt ?? finishedAt;
  return {
    ...storedRun(state),
    status: state.status,
    reason: state.reason ?? null,
    trigger_info: triggerOfCloned(execution.trigger_info, state.cloned),
    started_at: new Date(startedAt),
    finished_at: new Date(finishedAt),
    ...log,
  };
}
