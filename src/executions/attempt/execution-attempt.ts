import type { Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import type { Reason, RunState, WhenTrace } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { RunResult, StopRequest } from '../../engine/runtime/run-ports.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Tracing } from '../../integrations/tracing/tracing.js';
import type { LogWriter } from '../../logs/write/log-writer.js';
import { credentialMasks } from '../../pipelines/compile/credential-masks.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import type { EndExecution } from '../ending/end-execution.js';
import { abandonedSettlement, cancelReason } from '../ending/settlements.js';
import { executionReasons } from '../record/execution-reasons.js';
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
import { storedRun } from '../record/stored-state.js';
import type { RequeueExecution } from '../recovery/requeue-execution.js';
import { type AttemptLogs, firstSeqOf, outputTo } from './attempt-logs.js';
import type { PlanRun, PlanRuns } from './plan-runs.js';
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
  readonly logger: Logger;
}

/**
 * How an attempt ended: with the execution, without it (it must be offered again), or without a say
 * in it.
 */
export type AttemptEnd = 'settled' | 'requeued' | 'fenced';

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
/** However long the database is away: the end of an execution waits for it. */
const NO_DEADLINE = { deadlineMs: Infinity };

/** One execution attempt on this worker, from its claim to its end. */
export class ExecutionAttempt {
  private readonly control = new AbortController();
  private readonly clock = steadyClock();
  private readonly hold: Hold;
  private readonly traces: { stage: string; step: string | null; trace: WhenTrace }[] = [];
  private storedTraces = 0;
  private fenced = false;
  private cancelReason: Reason | undefined;
  private log: LogWriter | undefined;
  private planRun: PlanRun | undefined;
  /** The last state that was told. */
  private progress: Progress | undefined;
  private cleaned: Promise<void> | undefined;

  constructor(
    private readonly execution: ExecutionRecord,
    private readonly tools: AttemptTools,
  ) {
    this.hold = { executionId: execution._id, fence: execution.attempt };
  }

  /** Ends the run early. A cancel outranks an interruption; the first of each kind counts. */
  stop(request: StopRequest): void {
    if (request.kind === 'cancel') this.cancelReason ??= request.reason;
    if (!this.control.signal.aborted) this.control.abort(request);
  }

  /** The execution was taken from this worker: nothing that it does counts any more. */
  fence(reason: Reason): void {
    this.fenced = true;
    this.log?.abandon();
    this.stop({ kind: 'interrupt', reason });
  }

  /**
   * Rejects only when the end could not be told: the database refused it for good. What the attempt
   * leaves on this machine is there until `cleanUp`.
   */
  async run(): Promise<AttemptEnd> {
    try {
      this.planRun = await this.tools.runs.open(this.hold.executionId, this.hold.fence);
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
    const { plan_hash, clone_url } = this.execution;
    const plan = await databaseRetry(() => this.tools.plans.get(plan_hash), NO_DEADLINE);
    const masks = MaskSet.from(credentialMasks(plan, clone_url));
    const log = this.openLog(masks);
    const publisher = this.publisher();
    const result = await planRun.execute(
      plan,
      runContextOf(this.execution),
      {
        output: outputTo(log),
        masks,
        clock: this.clock,
        onState: (state) => publisher.push(state),
        onTrace: (stage, step, trace) => this.traces.push({ stage, step: step ?? null, trace }),
      },
      this.control.signal,
    );
    await publisher.end();
    if (this.tools.tracing.current() !== undefined)
      this.tools.tracing.record(runSpans(result.state));
    return this.conclude(result, log);
  }

  private async conclude(result: RunResult, log: LogWriter): Promise<AttemptEnd> {
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
   * A wanted cancel outranks every other end: then it ends as cancelled, and all else stays as it
   * was told.
   */
  private async settle(settlement: Settlement): Promise<AttemptEnd> {
    const { endings } = this.tools;
    let result = await endings.end(this.hold, settlement, NO_DEADLINE);
    if (result === 'cancel_requested') {
      const reason = await this.whyCancelled();
      result = await endings.end(
        this.hold,
        { ...settlement, status: 'cancelled', reason },
        NO_DEADLINE,
      );
    }
    return result === 'ended' ? 'settled' : 'fenced';
  }

  /** Nothing of this attempt may be alive when the execution is offered again. */
  private async requeue({ state, reason }: Interrupted, log: LogEnd): Promise<AttemptEnd> {
    const told = this.withRun(progressOf(state, this.execution.trigger_info));
    const rest = { reason, lastSeq: log.last_seq, isLogLost: false, costsRetry: false };
    const result = await this.tools.requeuing.requeue(told, rest, () => this.cleanUp());
    if (result !== 'cancel_requested') return result;
    return this.abandon(told, 'cancelled', await this.whyCancelled(), log);
  }

  /** Ends an execution whose run has no end of its own. */
  private abandon(
    told: ExecutionRecord,
    status: 'failed' | 'cancelled',
    reason: Reason,
    log: LogEnd,
  ): Promise<AttemptEnd> {
    return this.settle({
      ...abandonedSettlement(told, status, reason, new Date(this.clock.now())),
      trigger_info: told.trigger_info,
      ...log,
    });
  }

  private withRun(run: Progress | undefined): ExecutionRecord {
    const started_at = this.execution.started_at ?? run?.started_at ?? null;
    return { ...this.execution, ...run, started_at };
  }

  /** The cancel came after the last word of the run: the request itself says why. */
  private async whyCancelled(): Promise<Reason> {
    if (this.cancelReason) return this.cancelReason;
    const { executions } = this.tools;
    const execution = await databaseRetry(
      () => executions.find(this.hold.executionId),
      NO_DEADLINE,
    );
    return cancelReason(execution ?? this.execution);
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
        else this.problem(`state not told to the ${where}`, error);
      },
    );
  }

  private async storeTraces(): Promise<void> {
    const count = this.traces.length;
    if (count === this.storedTraces) return;
    await this.tools.traces.save(this.hold, this.traces);
    this.storedTraces = count;
  }

  /**
   * Redis away is told once, where the connection is; here it comes with every packet of every log.
   */
  private notLive(what: string, error: unknown): void {
    this.tools.logger.debug({ err: error, executionId: this.hold.executionId }, `${what} not live`);
  }

  private problem(what: string, error: unknown): void {
    this.tools.logger.warn({ err: error, executionId: this.hold.executionId }, what);
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
