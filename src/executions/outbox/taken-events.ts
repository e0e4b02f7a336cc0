import type { OutboxEventId } from './outbox-store.js';

/** One statement for all of them costs a tenth of one for each. */
const DELAY_MS = 1_000;
const MOST_AT_ONCE = 200;

/** Gathers news that all consumers have taken, and removes them from their outboxes together. */
export class TakenEvents {
  private gathered: OutboxEventId[] = [];
  private timer: NodeJS.Timeout | undefined;
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly removeAll: (events: readonly OutboxEventId[]) => Promise<void>,
    /** The relay offers them again then. */
    private readonly onProblem: (error: unknown) => void,
  ) {}

  add(event: OutboxEventId): void {
    this.gathered.push(event);
    if (this.gathered.length >= MOST_AT_ONCE) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** Resolves when nothing is to be removed any more. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.gathered;
    this.gathered = [];
    if (events.length > 0) this.removing = this.removing.then(() => this.remove(events));
    await this.removing;
  }

  private async remove(events: readonly OutboxEventId[]): Promise<void> {
    try {
      await this.removeAll(events);
    } catch (error) {
      this.onProblem(error);
    }
  }
}
