import type { MemoryExecutions } from '../record/memory-executions.fixture.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import {
  OutboxStore,
  type Refusal,
  type OutboxEventId,
  type WaitingOutbox,
} from './outbox-store.js';

/** The outboxes of executions in memory, for tests; held by the same contract as the database's. */
export class MemoryOutboxes extends OutboxStore {
  /** What every call rejects with from now on. */
  failure: Error | undefined;
  /** How often `removeAll` was called. */
  removals = 0;

  constructor(private readonly executions: MemoryExecutions) {
    super();
  }

  async read(executionId: string): Promise<readonly OutboxEvent[]> {
    this.answer();
    return (await this.executions.find(executionId))?.outbox ?? [];
  }

  async waiting(limit: number): Promise<readonly WaitingOutbox[]> {
    this.answer();
    return this.executions
      .all()
      .flatMap(({ _id: executionId, outbox, outbox_due: due }) =>
        due ? [{ executionId, due, tries: outbox?.at(0)?.tries ?? 0 }] : [],
      )
      .sort((a, b) => a.due.getTime() - b.due.getTime())
      .slice(0, limit);
  }

  async remove({ executionId, eventId }: OutboxEventId): Promise<void> {
    const rest = (await this.read(executionId)).filter(({ event_id }) => event_id !== eventId);
    if (rest.length === 0) this.clear(executionId);
    else this.executions.patch(executionId, { outbox: rest });
  }

  async removeAll(events: readonly OutboxEventId[]): Promise<void> {
    this.removals += 1;
    for (const { executionId, eventId } of events) {
      const [first, ...others] = await this.read(executionId);
      if (first?.event_id === eventId && others.length === 0) this.clear(executionId);
    }
  }

  async noteTaken(event: OutboxEventId, takenBy: readonly string[]): Promise<void> {
    await this.changeFirst(event, (first) => ({
      ...first,
      taken_by: [...new Set([...(first.taken_by ?? []), ...takenBy])],
    }));
  }

  async noteRefusal(event: OutboxEventId, { takenBy, tries, due }: Refusal): Promise<void> {
    await this.noteTaken(event, takenBy);
    const isFirst = await this.changeFirst(event, (first) => ({ ...first, tries }));
    if (isFirst) this.executions.patch(event.executionId, { outbox_due: due });
  }

  private async changeFirst(
    { executionId, eventId }: OutboxEventId,
    change: (first: OutboxEvent) => OutboxEvent,
  ): Promise<boolean> {
    const [first, ...others] = await this.read(executionId);
    if (first?.event_id !== eventId) return false;
    this.executions.patch(executionId, { outbox: [change(first), ...others] });
    return true;
  }

  private clear(executionId: string): void {
    this.executions.take(executionId, ['outbox', 'outbox_due']);
  }

  private answer(): void {
    if (this.failure) throw this.failure;
  }
}
