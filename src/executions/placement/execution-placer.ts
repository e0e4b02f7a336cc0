import { Injectable, Logger } from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { type ExecutionJob, JobQueue } from '../../integrations/job-queue/job-queue.js';
import { Tracing } from '../../integrations/tracing/tracing.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { QUEUE_TOPIC } from './execution-topics.js';
import { QueuesRepository } from './queues.repository.js';

type Offer = Pick<ExecutionRecord, '_id' | 'queue' | 'enqueue_number' | 'trace_parent'>;

/** Offers executions to workers. */
@Injectable()
export class ExecutionPlacer {
  private readonly logger = new Logger(ExecutionPlacer.name);

  constructor(
    private readonly jobs: JobQueue,
    private readonly queues: QueuesRepository,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {}

  /** Registers the queue of an execution, before the first execution is stored in it. */
  async announceQueue(queue: string): Promise<void> {
    if (!(await this.queues.ensure(queue))) return;
    this.bus.publish(QUEUE_TOPIC, queue).catch((error: unknown) => {
      this.logger.debug({ err: error, queue }, 'workers hear of the queue at their next heartbeat');
    });
  }

  /**
   * Makes the job of a pending execution. False: the queue is away, and the reconciler makes it
   * later.
   */
  async offer(execution: Offer): Promise<boolean> {
    return this.tryTo(execution, () => this.jobs.enqueue(execution.queue, jobOf(execution)));
  }

  /**
   * Makes the job of an execution again that is pending for too long: it may be lost. False: the
   * queue is away.
   */
  async renew(execution: Offer): Promise<boolean> {
    return this.tryTo(execution, () => this.jobs.renew(execution.queue, jobOf(execution)));
  }

  private async tryTo(execution: Offer, place: () => Promise<void>): Promise<boolean> {
    try {
      await this.tracing.within(execution.trace_parent, place);
      return true;
    } catch (error) {
      this.metrics.dependencyFailed('queue', 'enqueue_failed');
      this.logger.warn({ err: error, executionId: execution._id }, 'execution not enqueued yet');
      return false;
    }
  }
}

function jobOf(execution: Offer): ExecutionJob {
  return { executionId: execution._id, enqueueNumber: execution.enqueue_number };
}
