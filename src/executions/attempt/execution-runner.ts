import { Injectable, Logger } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { settledWithin } from '../../common/async/within.js';
import { failPoint } from '../../common/fail-point.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import type { JobOutcome } from '../../integrations/job-queue/job-queue.js';
import { type SpanAttributes, Tracing } from '../../integrations/tracing/tracing.js';
import type { PreparedFolders } from '../../workspaces/workspace-store.js';
import type { WorkerLease } from '../../workers/worker-lease.js';
import { EndExecution } from '../ending/end-execution.js';
import { abandonedSettlement } from '../ending/settlements.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository, type Settlement } from '../record/executions.repository.js';
import { ExecutionRecovery } from '../recovery/execution-recovery.js';
import type { AttemptEnd, ExecutionAttempt } from './execution-attempt.js';
import { ExecutionAttempts } from './execution-attempts.js';
import { RunningAttempts } from './running-attempts.js';

/** A job whose execution cannot be claimed so long, because the database is away, is put back. */
const CLAIM_DEADLINE_MS = 30_000;
/** An execution may fail to be claimed here as often as this. */
const MOST_REFUSALS = 3;
/** Settled attempts that may be cleaned up behind their slot at one time. */
const MAX_CLEANING = 64;
/** How long a worker that ends waits for what it cleans up. */
const CLEANING_MS = 10_000;

/** Runs executions on this worker: claim, attempt, and what follows from its end. */
@Injectable()
export class ExecutionRunner {
  private readonly logger = new Logger(ExecutionRunner.name);
  private readonly cleaning = new Set<Promise<void>>();
  /** How often the claim of an execution failed for another reason than an absent database. */
  private readonly refused = new Map<string, number>();

  constructor(
    private readonly attempts: ExecutionAttempts,
    private readonly executions: ExecutionsRepository,
    private readonly endings: EndExecution,
    private readonly recovery: ExecutionRecovery,
    private readonly running: RunningAttempts,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {}

  /**
   * Waits until what ended here is cleaned up, for 10 s; the next worker of this host does what is
   * left then.
   */
  async close(): Promise<void> {
    await settledWithin(CLEANING_MS, [...this.cleaning]);
  }

  /** Recovers what this worker holds by the database's word but does not run. */
  async recoverOrphans(workerId: string): Promise<void> {
    for (const execution of await this.executions.claimedBy(workerId)) {
      if (this.running.holds(execution._id, execution.attempt)) continue;
      if (this.running.hasFailed(execution))
        await this.recovery.recoverFromLostWorker(execution._id, workerId);
      else await this.recovery.revertUnconfirmedClaim(execution._id, execution.attempt);
    }
  }

  /** Claims the execution and runs one attempt of it. Never rejects. */
  async run(executionId: string, worker: Pick<WorkerLease, 'id' | 'name'>): Promise<JobOutcome> {
    if (!this.running.beginClaim(executionId)) return 'done';
    let attempt: ExecutionAttempt | undefined;
    let preparing: Promise<PreparedFolders | undefined> | undefined;
    let execution: ExecutionRecord | null;
    try {
      failPoint('job_taken');
      const claiming = this.tracing.span('execution claim', attributesOf(executionId), () =>
        this.executions.claim(executionId, worker, CLAIM_DEADLINE_MS),
      );
      preparing = this.prepareMeanwhile();
      execution = await claiming;
      if (!execution) return 'done';
      this.refused.delete(executionId);
      failPoint('execution_claimed');
      attempt = this.attempts.create(execution, await preparing);
      this.running.add(execution, attempt);
      this.metrics.queueWait.observe(waitedSeconds(execution));
    } catch (error) {
      this.logger.warn({ err: error, executionId }, 'execution not begun');
      if (isDatabaseUnavailable(error)) return 'put_back';
      await this.refuse(executionId);
      return 'done';
    } finally {
      this.running.endClaim(executionId);
      if (attempt === undefined) await this.unprepare(preparing);
    }
    try {
      const end = await this.runTraced(execution, attempt);
      this.logger.log({ executionId, attempt: execution.attempt, end }, 'execution attempt ended');
      this.metrics.attempts.inc({ end });
      await this.cleanUpAfter(attempt, end);
    } catch (error) {
      this.logger.error({ err: error, executionId }, 'execution attempt failed in Millrace itself');
      this.metrics.attempts.inc({ end: 'failed' });
      this.running.noteFailed(execution);
      await attempt.cleanUp();
    } finally {
      this.running.remove(executionId);
    }
    return 'done';
  }

  /** Once the claim is sent, and without a wait for its answer. */
  private async prepareMeanwhile(): Promise<PreparedFolders | undefined> {
    await nextTurn();
    return this.attempts.prepare();
  }

  private async unprepare(preparing: Promise<PreparedFolders | undefined> | undefined) {
    const prepared = await preparing;
    if (prepared) this.attempts.unprepare(prepared);
  }

  private runTraced(execution: ExecutionRecord, attempt: ExecutionAttempt): Promise<AttemptEnd> {
    const attributes = {
      ...attributesOf(execution._id),
      'millrace.pipeline.id': execution.pipeline_id,
      'millrace.pipeline.version': execution.pipeline_version,
      'millrace.execution.attempt': execution.attempt,
    };
    return this.tracing.span('execution attempt', attributes, async (span) => {
      const end = await attempt.run();
      span.set({ 'millrace.end': end });
      return end;
    });
  }

  /**
   * An execution that the database will not let be claimed: it is offered again by the reconciler,
   * a few times, and then ends rather than to go round for ever.
   */
  private async refuse(executionId: string): Promise<void> {
    const count = (this.refused.get(executionId) ?? 0) + 1;
    this.refused.set(executionId, count);
    if (count < MOST_REFUSALS) return;
    this.refused.delete(executionId);
    try {
      this.logger.error({ executionId }, 'execution cannot be claimed: it ends');
      await this.endings.end({ executionId }, await this.refusedSettlement(executionId));
    } catch (error) {
      this.logger.warn(
        { err: error, executionId },
        'execution not ended; the next offer tries again',
      );
    }
  }

  /** Whatever is damaged in what is stored of it, it ends. */
  private async refusedSettlement(executionId: string): Promise<Settlement> {
    const reason = executionReasons.internalError();
    try {
      const execution = await this.executions.find(executionId);
      if (execution) return abandonedSettlement(execution, 'failed', reason);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.logger.warn({ err: error, executionId }, 'its stages stay as they are stored');
    }
    return { status: 'failed', reason, started_at: null, finished_at: new Date() };
  }

  /**
   * A settled execution is over for everybody, so its slot does not wait for the sweep: in a burst
   * of short runs that would be half of their time. Any other is offered again, and must find
   * nothing of this attempt alive.
   */
  private async cleanUpAfter(attempt: ExecutionAttempt, end: AttemptEnd): Promise<void> {
    const cleaning = attempt.cleanUp().finally(() => this.cleaning.delete(cleaning));
    this.cleaning.add(cleaning);
    if (end !== 'settled') await cleaning;
    else if (this.cleaning.size > MAX_CLEANING) await Promise.race(this.cleaning);
  }
}

function attributesOf(executionId: string): SpanAttributes {
  return { 'millrace.execution.id': executionId };
}

/** By the clocks of two machines, so never less than nothing. */
function waitedSeconds({ queued_at, placements }: ExecutionRecord): number {
  const claimedAt = placements.at(-1)?.claimed_at ?? queued_at;
  return Math.max(0, claimedAt.getTime() - queued_at.getTime()) / 1000;
}
