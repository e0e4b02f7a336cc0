import type { OutboxEvent } from '../record/outbox-event.js';

/** An execution whose outbox is not empty. */
export interface WaitingOutbox {
  readonly executionId: string;
  /** By the clock of whoever wrote it. */
  readonly due: Date;
  /** How often its oldest news were refused. */
  readonly tries: number;
}

/** Which news of which outbox. */
export interface OutboxEventId {
  readonly executionId: string;
  readonly eventId: string;
}

/** What a consumer's refusal leaves in the outbox. */
export interface Refusal {
  readonly takenBy: readonly string[];
  readonly tries: number;
  readonly due: Date;
}

/**
 * The outboxes, which are a part of the documents whose news they hold. Every call is idempotent.
 */
export abstract class OutboxStore {
  /** What all consumers have taken is not among it; oldest first. */
  abstract read(executionId: string): Promise<readonly OutboxEvent[]>;
  /** Executions with news, those that are due the longest first. Costs by what it returns. */
  abstract waiting(limit: number): Promise<readonly WaitingOutbox[]>;
  /** Removes news that all have taken. */
  abstract remove(event: OutboxEventId): Promise<void>;
  /**
   * As `remove`, of many executions at once; one that has other news as well keeps all of them, for
   * the relay.
   */
  abstract removeAll(events: readonly OutboxEventId[]): Promise<void>;
  /** Notes for the oldest news who has taken them. */
  abstract noteTaken(event: OutboxEventId, takenBy: readonly string[]): Promise<void>;
  /** Notes that a consumer refused the oldest news. */
  abstract noteRefusal(event: OutboxEventId, refusal: Refusal): Promise<void>;
}
