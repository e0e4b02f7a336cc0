import type { Logger } from '@nestjs/common';
import { failPoint } from '../common/fail-point.js';
import { MaskSet } from '../common/redaction/mask-set.js';
import type { Plan } from '../engine/plan/plan.js';
import type { Reason, RunState, WhenTrace } from '../engine/plan/run-state.js';
import { runPlan } from '../engine/runtime/run-plan.js';
import type { RunResult, StopRequest } from '../engine/runtime/run-ports.js';
import type { EventBus } from '../integrations/event-bus/event-bus.js';
import type { GitClient } from '../integrations/git/git-client.js';
import type { ProcessRunner } from '../integrations/process/process-runner.js';
import type { LogChunkStore } from '../logs/log-chunk-store.js';
import type { LogLimits } from '../logs/log-limits.js';
import { LogWriter } from '../logs/log-writer.js';
import type { Workspace } from '../workspaces/workspace.js';
import type { WorkspaceStore } from '../workspaces/workspace-store.js';
import { credentialMasks } from './credential-masks.js';
import { executionReasons } from './execution-reasons.js';
import { closeLast } from './execution-takeover.js';
import type { ExecutionRecord } from './execution.schema.js';
import type { ExecutionsRepository, Hold, Settlement } from './executions.repository.js';
import type { ExecutionTracesRepository } from './execution-traces.repository.js';
import type { LiveExecutions } from './live-executions.js';
import { logFencesOf } from './log-fences.js';
import { runContextOf } from './run-context.js';
import { StatePublisher } from './state-publisher.js';
import { GitStepHandler } from './steps/git-step.handler.js';
import { ShellStepHandler } from './steps/shell-step.handler.js';
import type { StepOutput } from './steps/step-output.js';
import { storedRun } from './stored-state.js';
import { systemClock } from './system-clock.js';

/** Everything that an attempt works with on its worker. */
export interface AttemptTools {
  readonly executions: ExecutionsRepository;
  readonly traces: ExecutionTracesRepository;
  readonly live: LiveExecutions;
  readonly chunks: LogChunkStore;
  readonly bus: EventBus;
  readonly processes: ProcessRunner;
  readonly git: GitClient;
  readonly workspaces: WorkspaceStore;
  /** Tells the processes of this installation from those of others on the same host. */
  readonly groupPrefix: string;
  readonly logLimits: Partial<LogLimits>;
  readonly logger: Logger;
}

/** How an attempt ended: with the execution, without it (it must be offered again), or without a say in it. */
export type AttemptEnd = 'settled' | 'released' | 'fenced';

const MAX_PARALLEL_STEPS = 8;
/** Log lines that the execution itself keeps of its end. */
const LOGS_KEPT = 100;
/** A store that is away for so long holds the end of an execution up, but does not lose it. */
const SETTLE_DEADLINE_MS = 15 * 60_000;

/** One execution attempt on this worker, from its claim to its end. */
export class ExecutionAttempt {
  private readonly control = new AbortController();
  private readonly hold: Hold;
  private readonly traces: { stage: string; step: string | null; trace: WhenTrace }[] = [];
  private storedTraces = 0;
  private fenced = false;
  private cancelReason: Reason | undefined;
  private log: LogWriter | undefined;

  constructor(
    private readonly execution: ExecutionRecord,
    private readonly plan: Plan,
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

  /** Never rejects for what the pipeline does; rejects when the database stayed away for 15 minutes at the end. */
  async run(): Promise<AttemptEnd> {
    const { workspaces } = this.tools;
    let workspace: Workspace;
    try {
      workspace = await workspaces.create(this.hold.executionId, this.hold.fence);
    } catch (error) {
      return this.endWithoutRun(error);
    }
    try {
      return await this.runIn(workspace);
    } finally {
      await this.cleanUp(workspace);
    }
  }

  private async runIn(workspace: Workspace): Promise<AttemptEnd> {
    const masks = MaskSet.from(credentialMasks(this.plan, this.execution.clone_url));
    const log = this.openLog(masks);
    const publisher = this.publisher();
    const output: StepOutput = {
      open: (address, stream) => log.source({ ...address, stream }),
      systemLine: (address, text) => log.systemLine(address, text),
    };
    const result = await runPlan(
      {
        plan: this.plan,
        context: runContextOf(this.execution),
        maxParallelSteps: MAX_PARALLEL_STEPS,
      },
      {
        handlers: [
          new ShellStepHandler(this.tools.processes, workspace, this.group, output),
          new GitStepHandler(this.tools.git, workspace, output, (folder) =>
            this.tools.workspaces.handOverTree(folder),
          ),
        ],
        clock: systemClock,
        onState: (state) => publisher.push(state),
        onTrace: (stage, step, trace) => this.traces.push({ stage, step: step ?? null, trace }),
        systemLine: (address, text) => log.systemLine(address, text),
        mask: (text) => masks.maskText(text),
        lastLines: (address) => log.lastLines(address, 20),
      },
      this.control.signal,
    );
    await publisher.end();
    return this.conclude(result, log);
  }

  private async conclude(result: RunResult, log: LogWriter): Promise<AttemptEnd> {
    if (this.fenced) return 'fenced';
    const lastSeq = await this.closeLog(log);
    if (lastSeq === undefined) return 'fenced';
    failPoint('log_closed');
    await this.storeTraces();
    if (result.kind === 'finished') {
      return this.settle(settlementOf(result.state, this.execution, lastSeq, log.tail(LOGS_KEPT)));
    }
    return this.release(result.reason, lastSeq);
  }

  private async settle(settlement: Settlement): Promise<AttemptEnd> {
    const { executions } = this.tools;
    const options = { deadlineMs: SETTLE_DEADLINE_MS };
    let outcome = await executions.settle(this.hold, settlement, options);
    if (outcome === 'cancel_requested') {
      const cancelled = {
        ...settlement,
        status: 'cancelled',
        reason: await this.whyCancelled(),
      } as const;
      outcome = await executions.settle(this.hold, cancelled, options);
    }
    if (outcome !== 'settled') return 'fenced';
    await this.tools.live
      .end(this.hold.executionId)
      .catch((error: unknown) => this.problem('live state not ended', error));
    return 'settled';
  }

  private async release(reason: Reason, lastSeq: number): Promise<AttemptEnd> {
    const released = await this.tools.executions.release(this.hold, {
      reason,
      placements: closeLast(this.execution, { last_seq: lastSeq, reason }),
      enqueueNumber: this.execution.enqueue_number + 1,
      workersLost: this.execution.workers_lost,
    });
    return released ? 'released' : 'fenced';
  }

  /** The cancel came after the last word of the run: the request itself says why. */
  private async whyCancelled(): Promise<Reason> {
    if (this.cancelReason) return this.cancelReason;
    const execution = await this.tools.executions.find(this.hold.executionId);
    const request = execution?.cancel_requested;
    return executionReasons.cancelled(request?.by ?? 'a user', request?.reason);
  }

  private async endWithoutRun(error: unknown): Promise<AttemptEnd> {
    this.problem('workspace not made', error);
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const reason = executionReasons.workspaceFailed(code);
    const now = new Date();
    const outcome = await this.tools.executions.settle(
      this.hold,
      {
        checkout: this.execution.checkout,
        stages: this.execution.stages,
        on_failure: this.execution.on_failure,
        always: this.execution.always,
        failure: null,
        commit: null,
        status: 'failed',
        reason,
        started_at: this.execution.started_at,
        finished_at: now,
        duration: 0,
        last_seq: (logFencesOf(this.execution).at(-1)?.firstSeq ?? 1) - 1,
        logs: [],
      },
      { deadlineMs: SETTLE_DEADLINE_MS },
    );
    return outcome === 'settled' ? 'settled' : 'fenced';
  }

  private openLog(masks: MaskSet): LogWriter {
    const fence = logFencesOf(this.execution).at(-1);
    const before = this.execution.placements.at(-2);
    this.log = new LogWriter({
      executionId: this.hold.executionId,
      fence: this.hold.fence,
      firstSeq: fence?.firstSeq ?? 1,
      lost: before?.log_lost ?? false,
      masks,
      store: this.tools.chunks,
      bus: this.tools.bus,
      clock: systemClock,
      limits: this.tools.logLimits,
      onProblem: ({ part, error, attempt }) =>
        this.problem(`log not written to the ${part}, try ${attempt}`, error),
    });
    return this.log;
  }

  /** Undefined: the log was abandoned, because the execution was taken from this worker meanwhile. */
  private async closeLog(log: LogWriter): Promise<number | undefined> {
    try {
      return (await log.close()).lastSeq;
    } catch (error) {
      if (this.fenced) return undefined;
      throw error;
    }
  }

  private publisher(): StatePublisher {
    const { executions, live } = this.tools;
    return new StatePublisher(
      {
        tellLive: (progress) => live.tell(this.hold.executionId, this.hold.fence, progress),
        record: async (progress) => {
          await this.storeTraces();
          const last_seq = this.log?.lastSeq ?? 0;
          return executions.recordProgress(this.hold, { ...progress, last_seq });
        },
        fenced: () => this.fence(executionReasons.leaseLost()),
      },
      (where, error) => this.problem(`state not told to the ${where}`, error),
    );
  }

  private async storeTraces(): Promise<void> {
    const count = this.traces.length;
    if (count === this.storedTraces) return;
    await this.tools.traces.save(this.hold, this.traces);
    this.storedTraces = count;
  }

  private async cleanUp(workspace: Workspace): Promise<void> {
    try {
      await this.tools.processes.sweep(this.group);
      await this.tools.workspaces.remove(workspace);
    } catch (error) {
      this.problem('not cleaned up; the sweep at the next start removes the rest', error);
    }
  }

  private get group(): string {
    return `${this.tools.groupPrefix}${this.hold.executionId}.${this.hold.fence}`;
  }

  private problem(what: string, error: unknown): void {
    this.tools.logger.warn({ err: error, executionId: this.hold.executionId }, what);
  }
}

function settlementOf(
  state: RunState,
  execution: ExecutionRecord,
  lastSeq: number,
  logs: readonly string[],
): Settlement {
  const finishedAt = state.finishedAt ?? systemClock.now();
  const startedAt = execution.started_at?.getTime() ?? state.startedAt ?? finishedAt;
  return {
    ...storedRun(state),
    status: state.status,
    reason: state.reason ?? null,
    started_at: new Date(startedAt),
    finished_at: new Date(finishedAt),
    duration: Math.max(0, finishedAt - startedAt),
    last_seq: lastSeq,
    logs,
  };
}
