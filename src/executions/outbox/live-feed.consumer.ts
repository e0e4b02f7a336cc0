import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LiveExecutions } from '../record/live-executions.js';
import { type ExecutionEvent, type OutboxConsumer, OutboxConsumers } from './outbox-consumers.js';

/**
 * Tells the live feeds of an execution that the database has its end: they send `done`. Hearing it
 * twice changes nothing.
 */
@Injectable()
export class LiveFeedConsumer implements OutboxConsumer, OnModuleInit {
  readonly name = 'live-feed';
  readonly types = ['execution.finished'] as const;
  readonly isDirect = true;

  constructor(
    private readonly live: LiveExecutions,
    private readonly consumers: OutboxConsumers,
  ) {}

  onModuleInit(): void {
    this.consumers.register(this);
  }

  async handle({ executionId, known }: ExecutionEvent): Promise<void> {
    await this.live.end(executionId, known?.told);
  }
}
