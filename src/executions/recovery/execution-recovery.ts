import { Injectable, Logger } from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import { LogReader } from '../../logs/read/log-reader.js';
import { LogChunkStore } from '../../logs/store/log-chunk-store.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import type { SeenAttempt } from '../ending/abandoned-run.js';
import { EndExecution } from '../ending/end-execution.js';
import { abandonedSettlement, cancelReason } from '../ending/settlements.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { logFencesOf } from '../record/log-fences.js';
import type { StoredReason } from '../record/stored-state.js';
import { type AttemptRest, RequeueExecution } from './requeue-execution.js';

/**
 * How far back the end of a log is searched for steps that nobody told of: the last seconds,
 * however much was printed.
 */
const BATCHES_SEEN = 500;
/** Attempts in a row that may be lost while they restore a workspace, and cost no retry. */
const MOST_REVERTED = 3;

/**
 * Recovers executions whose attempt will never tell its end: the retry rule decides between another
 * attempt and the end. From then on the writes of the attempt before are refused, whatever it does.
 * Idempotent, and safe for several observers at once.
 */
@Injectable()
export class ExecutionRecovery {
  private readonly logger = new Logger(ExecutionRecovery.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly plans: PlansService,
    private readonly chunks: LogChunkStore,
    private readonly log: LogReader,
    private readonly endings: EndExecution,
    private readonly requeuing: RequeueExecution,
    private readonly live: LiveExecutions,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param workerId who was found lost: of somebody else, who has it by now, nothing is taken
   */
  async recoverFromLostWorker(executionId: string, workerId: string): Promise<void> {
    const stored = await this.executions.find(executionId);
    const placement = stored?.placements.at(-1);
    if (stored?.status !== 'running' || placement?.worker_id !== workerId) return;
    // The lost worker's last word may be live only.
    const execution = await this.live.merge(stored);

    const lastSeq = await this.lastStoredSeq(execution);
    if (isBeforeContinuing(execution)) {
      const reason = executionReasons.restoreLost(placement.worker_name);
      await this.revert(execution, reason);
      return;
    }
    const retries = (await this.plans.get(execution.plan_hash)).retryCount;
    const retriesLeft = Math.max(0, retries - execution.workers_lost);
    const reason = executionReasons.workerLost(placement.worker_name, retriesLeft);
    const rest = { reason, lastSeq, isLogLost: true, costsRetry: true };
    if (execution.cancel_requested) await this.endCancelled(execution, lastSeq);
    else if (retriesLeft === 0) await this.end(execution, 'failed', reason, lastSeq);
    else await this.requeue(execution, rest);
  }

  /**
   * Gives an execution back whose claim took effect after its worker had given up on it (a database
   * that hung answers late). Nothing of that attempt ran, so it costs no retry.
   */
  async revertUnconfirmedClaim(executionId: string, attempt: number): Promise<void> {
    const execution = await this.executions.find(executionId);
    const placement = execution?.placements.at(-1);
    if (execution?.status !== 'running' || execution.attempt !== attempt || !placement) return;
    await this.revert(execution, executionReasons.claimUnheard(placement.worker_name));
  }

  /** Nothing of the last attempt ran. */
  private async revert(execution: ExecutionRecord, reason: StoredReason): Promise<void> {
    const lastSeq = (logFencesOf(execution).at(-1)?.firstSeq ?? 1) - 1;
    if (execution.cancel_requested) {
      await this.endCancelled(execution, lastSeq);
      return;
    }
    await this.requeue(execution, {
      reason,
      lastSeq,
      // It wrote no log: whether lines are missing is as it was before it.
      isLogLost: execution.placements.at(-2)?.log_lost ?? false,
      costsRetry: false,
    });
  }

  private async lastStoredSeq(execution: ExecutionRecord): Promise<number> {
    const fence = logFencesOf(execution).at(-1);
    if (!fence) return 0;
    return (await this.chunks.lastSeq(execution._id, fence.fence)) ?? fence.firstSeq - 1;
  }

  /**
   * What printed in the last attempt had begun, also if its worker died before it could tell the
   * state.
   */
  private async seenAttempts(execution: ExecutionRecord): Promise<SeenAttempt[]> {
    const fence = logFencesOf(execution).at(-1);
    if (!fence) return [];
    const query = { executionId: execution._id, fences: [fence], afterSeq: 0 };
    const batches = await this.log.newestBatches(query, BATCHES_SEEN);
    const seen = new Map<string, SeenAttempt>();
    // Newest first: what is seen last is seen first.
    for (const { stage, step, attempt, stream, ts } of batches) {
      if (stream === 'system') continue;
      seen.set(JSON.stringify([stage, step, attempt]), { stage, step, attempt, at: new Date(ts) });
    }
    return [...seen.values()];
  }

  private endCancelled(execution: ExecutionRecord, lastSeq: number): Promise<void> {
    return this.end(execution, 'cancelled', cancelReason(execution), lastSeq);
  }

  /** A cancel that comes between the read and this write is seen by the next round. */
  private async end(
    execution: ExecutionRecord,
    status: 'failed' | 'cancelled',
    reason: StoredReason,
    lastSeq: number,
  ): Promise<void> {
    const seen = await this.seenAttempts(execution);
    const result = await this.endings.end(
      { executionId: execution._id, fence: execution.attempt },
      {
        ...abandonedSettlement(execution, status, reason, new Date(), seen),
        trigger_info: execution.trigger_info,
        last_seq: lastSeq,
        logs: [],
      },
    );
    this.recovered(execution, result);
  }

  private async requeue(execution: ExecutionRecord, rest: AttemptRest): Promise<void> {
    this.recovered(execution, await this.requeuing.requeue(execution, rest));
  }

  private recovered({ _id, attempt, placements }: ExecutionRecord, outcome: string): void {
    if (outcome === 'ended' || outcome === 'requeued') this.metrics.recoveries.inc({ outcome });
    const worker = placements.at(-1)?.worker_name;
    const about = { executionId: _id, attempt, worker, outcome };
    this.logger.warn(about, 'execution recovered from an attempt that stored no end');
  }
}

/**
 * The attempt had to restore a workspace before its steps could begin, and has not told that it
 * did. Only a few in a row cost nothing: what kills every worker must end.
 */
function isBeforeContinuing({ suspension, attempt }: ExecutionRecord): boolean {
  if (suspension === undefined || suspension.continued_in === attempt) return false;
  const from = Math.max(suspension.attempt, suspension.continued_in ?? 0);
  return attempt - from <= MOST_REVERTED;
}
