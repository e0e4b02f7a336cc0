import { Injectable, Logger } from '@nestjs/common';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { closedPlacements } from '../record/closed-placements.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository, type RequeueResult } from '../record/executions.repository.js';
import { runOf, type StoredReason } from '../record/stored-state.js';

/** How an attempt ended that did not end its execution. */
export interface AttemptRest {
  readonly reason: StoredReason;
  /** Log lines beyond it came too late and are not read. */
  readonly lastSeq: number;
  /** The attempt never closed its log: lines of it may be missing. */
  readonly isLogLost: boolean;
  /** Its worker was lost, which costs a retry. */
  readonly costsRetry: boolean;
}

/** Gives executions back: the one way by which an execution waits for another attempt. */
@Injectable()
export class RequeueExecution {
  private readonly logger = new Logger(RequeueExecution.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly placer: ExecutionPlacer,
  ) {}

  /**
   * Ends the attempt that `execution` is in, and offers the execution to workers again. Only under
   * the fence of that attempt, and not when somebody wants it cancelled. Rejects when the database
   * stays away. What `execution` says of its run is stored: a next attempt may begin from it.
   * @param beforeOffer what is to be over before another worker may have it; should it fail or last
   * too long, the reconciler offers the execution
   */
  async requeue(
    execution: ExecutionRecord,
    { reason, lastSeq, isLogLost, costsRetry }: AttemptRest,
    beforeOffer: () => Promise<void> = () => Promise.resolve(),
  ): Promise<RequeueResult> {
    const enqueueNumber = execution.enqueue_number + 1;
    const last = { last_seq: lastSeq, ...(isLogLost && { log_lost: true }), reason };
    const result = await this.executions.requeue(
      { executionId: execution._id, fence: execution.attempt },
      {
        reason,
        placements: closedPlacements(execution.placements, last),
        enqueueNumber,
        workersLost: execution.workers_lost + (costsRetry ? 1 : 0),
        trigger_info: execution.trigger_info,
        run: runOf(execution),
      },
    );
    if (result !== 'requeued') return result;
    const about = { executionId: execution._id, attempt: execution.attempt, reason: reason.code };
    this.logger.warn(about, 'execution requeued');
    await beforeOffer();
    await this.placer.offer({ ...execution, enqueue_number: enqueueNumber });
    return result;
  }
}
