import { Injectable, Logger } from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import { LogReader } from '../../logs/read/log-reader.js';
import { LogChunkStore } from '../../logs/store/log-chunk-store.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository, type Release } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { logFencesOf } from '../record/log-fences.js';
import type { StoredReason } from '../record/stored-state.js';
import { abandonedRun, type SeenAttempt } from './abandoned-run.js';

const SETTLE_DEADLINE_MS = 3_000;
/** How far back the end of a log is searched for steps that nobody told of: the last seconds, however much was printed. */
const BATCHES_SEEN = 500;

/**
 * Takes executions from workers that are lost: the retry rule decides between another attempt and the end.
 * From then on the lost worker's writes are refused, whatever it does. Idempotent, and safe for several observers at once.
 */
@Injectable()
export class ExecutionTakeover {
  private readonly logger = new Logger(ExecutionTakeover.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly plans: PlansService,
    private readonly chunks: LogChunkStore,
    private readonly log: LogReader,
    private readonly placer: ExecutionPlacer,
    private readonly live: LiveExecutions,
    private readonly metrics: Metrics,
  ) {}

  async takeFromLostWorker(executionId: string): Promise<void> {
    const stored = await this.executions.find(executionId);
    const placement = stored?.placements.at(-1);
    if (stored?.status !== 'running' || !placement) return;
    // The lost worker's last word may be live only.
    const execution = await this.live.merge(stored);

    const lastSeq = await this.lastStoredSeq(execution);
    const retries = (await this.plans.get(execution.plan_hash)).retryCount;
    const retriesLeft = Math.max(0, retries - execution.workers_lost);
    const reason = executionReasons.workerLost(placement.worker_name, retriesLeft);
    if (execution.cancel_requested) {
      const { by, reason: why } = execution.cancel_requested;
      await this.end(execution, 'cancelled', executionReasons.cancelled(by, why), lastSeq);
    } else if (retriesLeft === 0) {
      await this.end(execution, 'failed', reason, lastSeq);
    } else {
      await this.offerAgain(execution, {
        reason,
        placements: closeLast(execution, { last_seq: lastSeq, log_lost: true, reason }),
        workersLost: execution.workers_lost + 1,
      });
    }
  }

  /**
   * Offers an execution again whose claim took effect after its worker had given up on it (a database that hung answers
   * late). Nothing of that attempt ran, so it costs no retry.
   */
  async takeUnheardClaim(executionId: string, attempt: number): Promise<void> {
    const execution = await this.executions.find(executionId);
    const placement = execution?.placements.at(-1);
    if (execution?.status !== 'running' || execution.attempt !== attempt || !placement) return;
    const lastSeq = (logFencesOf(execution).at(-1)?.firstSeq ?? 1) - 1;
    if (execution.cancel_requested) {
      const { by, reason: why } = execution.cancel_requested;
      await this.end(execution, 'cancelled', executionReasons.cancelled(by, why), lastSeq);
      return;
    }
    const reason = executionReasons.claimUnheard(placement.worker_name);
    // It wrote no log: whether lines are missing is as it was before it.
    const log_lost = execution.placements.at(-2)?.log_lost ?? false;
    await this.offerAgain(execution, {
      reason,
      placements: closeLast(execution, { last_seq: lastSeq, log_lost, reason }),
      workersLost: execution.workers_lost,
    });
  }

  private async lastStoredSeq(execution: ExecutionRecord): Promise<number> {
    const fence = logFencesOf(execution).at(-1);
    if (!fence) return 0;
    return (await this.chunks.lastSeq(execution._id, fence.fence)) ?? fence.firstSeq - 1;
  }

  /** What printed in the last attempt had begun, also if its worker died before it could tell the state. */
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

  private async end(
    execution: ExecutionRecord,
    status: 'failed' | 'cancelled',
    reason: StoredReason,
    lastSeq: number,
  ): Promise<void> {
    const now = new Date();
    const duration = execution.started_at ? now.getTime() - execution.started_at.getTime() : 0;
    const result = await this.executions.settle(
      { executionId: execution._id, fence: execution.attempt },
      {
        ...abandonedRun(execution, status, reason, now, await this.seenAttempts(execution)),
        status,
        reason,
        trigger_info: execution.trigger_info,
        started_at: execution.started_at,
        finished_at: now,
        duration,
        last_seq: lastSeq,
        logs: [],
      },
      { deadlineMs: SETTLE_DEADLINE_MS },
    );
    this.logger.warn({ executionId: execution._id, status, reason: reason.code, result }, 'ended');
    if (result === 'settled') {
      this.metrics.takeovers.inc({ outcome: 'ended' });
      this.metrics.executionFinished(status, duration);
    }
    await this.live.end(execution._id).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'live state not ended');
    });
  }

  private async offerAgain(
    execution: ExecutionRecord,
    back: Pick<Release, 'reason' | 'placements' | 'workersLost'>,
  ): Promise<void> {
    const enqueueNumber = execution.enqueue_number + 1;
    const released = await this.executions.release(
      { executionId: execution._id, fence: execution.attempt },
      { ...back, enqueueNumber, trigger_info: execution.trigger_info },
    );
    if (!released) return;
    this.metrics.takeovers.inc({ outcome: 'offered_again' });
    this.logger.warn({ executionId: execution._id, reason: back.reason.code }, 'offered again');
    await this.placer.offer({ ...execution, enqueue_number: enqueueNumber });
  }
}

/** The placements with the last one closed. */
export function closeLast(
  execution: Pick<ExecutionRecord, 'placements'>,
  end: Pick<ExecutionRecord['placements'][number], 'last_seq' | 'log_lost' | 'reason'>,
): ExecutionRecord['placements'] {
  return execution.placements.map((placement, index) =>
    index === execution.placements.length - 1 ? { ...placement, ...end } : placement,
  );
}
