import type { ToldEvent } from './outbox-store.js';

/** One statement for all of them costs a tenth of one for each. */
const DELAY_MS = 1_000;
const MOST_AT_ONCE = 200;

/** Gathers news that all consumers have taken, and removes them from their outboxes together. */
export class ToldEvents {
  private gathered: ToldEvent[] = [];
  private timer: NodeJS.Timeout | undefined;
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly removeAll: (told: readonly ToldEvent[]) => Promise<void>,
    /** They are told again then. */
    private readonly onProblem: (error: unknown) => void,
  ) {}

  add(told: ToldEvent): void {
    this.gathered.push(told);
    if (this.gathered.length >= MOST_AT_ONCE) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** Resolves when nothing is to be removed any more. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const told = this.gathered;
    this.gathered = [];
    if (told.length > 0) this.removing = this.removing.then(() => this.remove(told));
    await this.removing;
  }

  private async remove(told: readonly ToldEvent[]): Promise<void> {
    try {
      await this.removeAll(told);
    } catch (error) {
      this.onProblem(error);
    }
  }
}
