/**
 * News of an execution, stored in its document by the very write that makes them. They stay there
 * until all consumers have taken them, so each consumer gets them at least once, whatever dies.
 */
export interface OutboxEvent {
  /**
   * The same for the same news, however often they come: consumers know by it what they had.
   */
  readonly event_id: string;
  readonly type: 'execution.finished';
  readonly at: Date;
  /** Consumers that have taken it while others have not. */
  readonly taken_by?: readonly string[];
  /** How often a consumer refused it. */
  readonly tries?: number;
}

export type OutboxEventType = OutboxEvent['type'];

/** The process that made the news publishes them within this time; after it, the relay does. */
export const OUTBOX_GRACE_MS = 5_000;

/** An execution ends once, so this happens once. */
export function executionFinished(executionId: string, at: Date): OutboxEvent {
  return { event_id: `${executionId}:finished`, type: 'execution.finished', at };
}
