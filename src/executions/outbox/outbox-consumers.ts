import { Injectable } from '@nestjs/common';
import type { OutboxEventType } from '../record/outbox-event.js';

/** News of an execution, as consumers get them. */
export interface ExecutionEvent {
  /** Of the news, not of this offer: whoever got it before has nothing to do. */
  readonly id: string;
  readonly type: OutboxEventType;
  readonly executionId: string;
  readonly at: Date;
  /** What the process that made the news knows besides; the relay knows nothing. */
  readonly known?: KnownOfEvent | undefined;
}

export interface KnownOfEvent {
  readonly pipelineId?: string | undefined;
  /** For live readers: `toldEnd`. */
  readonly told?: string | undefined;
}

/** Somebody who must hear of executions. */
export interface OutboxConsumer {
  /** Stored beside the news that it took: never another one for the same consumer. */
  readonly name: string;
  readonly types: readonly OutboxEventType[];
  /**
   * Gets the news of the process that made them, before that continues, and only then by the relay.
   * For what takes a moment and no more than the stores that a run needs anyway.
   */
  readonly isDirect: boolean;
  /** Of a direct one: the process that made the news continues meanwhile. */
  readonly isUnhurried?: boolean;
  /**
   * Takes the news; rejects when they are to come again later. Called at least once for each
   * event, perhaps by several processes at once, so it is idempotent by the id of the event. Events
   * of one execution come in the order in which they happened. `signal` ends with the time that it
   * has (30 s); what it does after that does not count.
   */
  handle(event: ExecutionEvent, signal: AbortSignal): Promise<void>;
}

/**
 * Who consumes news. Any process may relay them, so all processes must register the same consumers,
 * before the application is bootstrapped (`onModuleInit`).
 */
@Injectable()
export class OutboxConsumers {
  private readonly consumers = new Map<string, OutboxConsumer>();

  register(consumer: OutboxConsumer): void {
    if (this.consumers.has(consumer.name)) {
      throw new Error(`an outbox consumer named ${consumer.name} is there already`);
    }
    this.consumers.set(consumer.name, consumer);
  }

  /** Who wants news of this type, but for those who have them. */
  of(type: OutboxEventType, takenBy: readonly string[] = []): readonly OutboxConsumer[] {
    return [...this.consumers.values()].filter(
      ({ name, types }) => types.includes(type) && !takenBy.includes(name),
    );
  }
}
