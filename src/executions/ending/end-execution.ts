import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { Metrics } from '../../common/metrics/metrics.js';
import type { RetryOptions } from '../../integrations/database/database-retry.js';
import { Tracing } from '../../integrations/tracing/tracing.js';
import { DirectHandover } from '../outbox/direct-handover.js';
import type { EndTarget } from '../record/execution-moves.js';
import {
  durationOf,
  type EndResult,
  ExecutionsRepository,
  type Settlement,
} from '../record/executions.repository.js';
import { executionFinished } from '../record/outbox-event.js';
import { toldEnd } from '../record/told-end.js';

const DEADLINE = { deadlineMs: 3_000 };

/** With the pipeline, where whoever ends it knows that. */
type KnownTarget = EndTarget & { readonly pipelineId?: string };

/**
 * The one way by which an execution ends, whoever ends it: one write, and then everybody hears of
 * it. The write refuses an end under a broken fence, one that the transition table does not know,
 * and any but `cancelled` when a cancel is wanted.
 */
@Injectable()
export class EndExecution {
  private readonly logger = new Logger(EndExecution.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly handover: DirectHandover,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {}

  /**
   * Whoever gets `ended` is the one that ended it, and nobody else gets it. The news of it are
   * in the outbox by then: they arrive although this process dies.
   * @throws IllegalMoveError, and what the database throws when it stays away
   */
  end(
    target: KnownTarget,
    settlement: Settlement,
    options: RetryOptions = DEADLINE,
  ): Promise<EndResult> {
    return this.tracing.span('execution settle', {}, async (span) => {
      const result = await this.settle(target, settlement, options);
      span.set({ 'millrace.end': result });
      if (result === 'ended') {
        const { status, reason } = settlement;
        span.set({ 'millrace.status': status, 'millrace.reason': reason?.code });
      }
      return result;
    });
  }

  private async settle(
    target: KnownTarget,
    settlement: Settlement,
    options: RetryOptions,
  ): Promise<EndResult> {
    const { executionId, fence } = target;
    const { status, reason, finished_at } = settlement;
    const news = executionFinished(executionId, finished_at);
    const result = await this.executions.end(target, settlement, news, options);
    if (result !== 'ended') return result;
    failPoint('execution_settled');
    const duration = durationOf(settlement);
    this.metrics.executionFinished(status, duration);
    const about = { executionId, attempt: fence, status, reason: reason?.code, duration };
    this.logger.log(about, 'execution ended');
    const known = { pipelineId: target.pipelineId, told: toldEnd(fence, settlement) };
    await this.handover.handOver(executionId, { ...news, known });
    return result;
  }
}
