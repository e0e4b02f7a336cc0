import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import {
  type JobConsumer,
  type JobOutcome,
  JobQueue,
} from '../../integrations/job-queue/job-queue.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import { DueOutboxes } from './due-outboxes.js';
import { OutboxConsumers } from './outbox-consumers.js';
import { OutboxStore } from './outbox-store.js';
import { retryDelayMs } from './retry-delay.js';
import { offerEvent } from './offer-event.js';

/** No label begins with a dot, so no queue of executions has this name. */
export const OUTBOX_QUEUE = '.outbox';

const AT_ONCE = 8;
const MOST_AT_ONCE = 500;
const CLOSE_MS = 3_000;

/**
 * Tells the news in the outboxes: at least once to each consumer, those of one execution in their
 * order. The outbox in the database is the truth, a job is a hint, as everywhere: Redis may lose
 * it, and `enqueueDue` makes it again.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(OutboxRelay.name);
  private readonly due = new DueOutboxes();
  private jobConsumer: JobConsumer | undefined;

  constructor(
    private readonly store: OutboxStore,
    private readonly consumers: OutboxConsumers,
    private readonly jobs: JobQueue,
  ) {}

  onApplicationBootstrap(): void {
    this.jobConsumer = this.jobs.consume(AT_ONCE, ({ executionId }) => this.process(executionId));
    this.jobConsumer.setQueues([OUTBOX_QUEUE]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.jobConsumer?.close(CLOSE_MS);
  }

  /**
   * Has the outbox of an execution looked at. Rejects when the queue is away: `enqueueDue` does it
   * later.
   */
  async enqueue(executionId: string): Promise<void> {
    await this.jobs.renew(OUTBOX_QUEUE, { executionId, enqueueNumber: 1 });
  }

  /**
   * Makes the jobs of outboxes whose news nobody took in time: who made them died, a consumer
   * refused them, or Redis lost the job. Idempotent, and for all processes at once. Never rejects:
   * the next round does what this one could not.
   */
  async enqueueDue(): Promise<void> {
    try {
      const waiting = await this.store.waiting(MOST_AT_ONCE);
      for (const { executionId } of this.due.among(waiting)) await this.enqueue(executionId);
    } catch (error) {
      // A store that is away is logged where its connection is.
      this.logger.debug({ err: error }, 'outboxes not relayed; the next round tries again');
    }
  }

  /**
   * Tells the news of one execution, the oldest first, until a consumer refuses. Rejects when the
   * database does.
   */
  async relay(executionId: string): Promise<void> {
    for (;;) {
      const [event] = await this.store.read(executionId);
      if (!event || !(await this.relayOne(executionId, event))) return;
    }
  }

  /** False: a consumer refused it, and it comes again after a pause. */
  private async relayOne(executionId: string, event: OutboxEvent): Promise<boolean> {
    const id = { executionId, eventId: event.event_id };
    const consumers = this.consumers.of(event.type, event.taken_by);
    const { takenBy, refused } = await offerEvent(executionId, event, consumers);
    if (refused.length === 0) {
      await this.store.remove(id);
      return true;
    }
    const tries = (event.tries ?? 0) + 1;
    const delayMs = retryDelayMs(tries);
    for (const { consumer, error } of refused) {
      const about = { err: error, consumer, tries, executionId, event: event.event_id };
      this.logger.warn(about, `news not taken; they come again in ${delayMs / 1000} s`);
    }
    await this.store.noteRefusal(id, { takenBy, tries, due: new Date(Date.now() + delayMs) });
    return false;
  }

  private async process(executionId: string): Promise<JobOutcome> {
    try {
      await this.relay(executionId);
    } catch (error) {
      this.logger.debug({ err: error, executionId }, 'outbox not relayed; a next job tries again');
    }
    return 'done';
  }
}
