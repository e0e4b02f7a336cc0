import { Logger } from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { MemoryJobQueue } from '../../integrations/job-queue/memory-job-queue.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import { DirectHandover } from '../outbox/direct-handover.js';
import { LiveFeedConsumer } from '../outbox/live-feed.consumer.js';
import { MemoryOutboxes } from '../outbox/memory-outboxes.fixture.js';
import { OutboxConsumers } from '../outbox/outbox-consumers.js';
import { OutboxRelay } from '../outbox/outbox-relay.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { LiveExecutions } from '../record/live-executions.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { EndExecution } from './end-execution.js';

/** Everything by which executions end, in memory. */
export class EndingFixture {
  readonly outboxes: MemoryOutboxes;
  readonly live: LiveExecutions;
  readonly jobs = new MemoryJobQueue();
  readonly consumers = new OutboxConsumers();
  readonly relay: OutboxRelay;
  readonly handover: DirectHandover;
  readonly endings: EndExecution;

  constructor(
    readonly executions = new MemoryExecutions(),
    readonly bus = new MemoryEventBus(),
    readonly metrics = new Metrics(),
  ) {
    Logger.overrideLogger(false);
    this.outboxes = new MemoryOutboxes(executions);
    this.live = new LiveExecutions(bus);
    this.relay = new OutboxRelay(this.outboxes, this.consumers, this.jobs);
    this.handover = new DirectHandover(this.outboxes, this.consumers, this.relay);
    this.endings = new EndExecution(executions.repository, this.handover, metrics, new NoTracing());
    new LiveFeedConsumer(this.live, this.consumers).onModuleInit();
  }

  async insert(changes: Partial<ExecutionRecord> = {}): Promise<ExecutionRecord> {
    const execution = pendingExecution(changes);
    await this.executions.insert(execution);
    return execution;
  }

  async close(): Promise<void> {
    await this.handover.onApplicationShutdown();
    await this.relay.onApplicationShutdown();
    await this.jobs.close();
  }
}
