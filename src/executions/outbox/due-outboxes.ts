import type { WaitingOutbox } from './outbox-store.js';
import { retryDelayMs } from './retry-delay.js';

/**
 * Which outboxes are due: by the clock of whoever wrote them, or because they stood here unchanged
 * for as long as they should rest. Clocks of other machines may be ahead of ours by hours.
 */
export class DueOutboxes {
  /** Since when, monotonic, an outbox was seen in this state. */
  private seenSince = new Map<string, number>();

  constructor(
    private readonly now: () => number = () => Date.now(),
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  among(waiting: readonly WaitingOutbox[]): readonly WaitingOutbox[] {
    const now = this.now();
    const monotonic = this.monotonic();
    const seen = waiting.map((outbox) => {
      const key = `${outbox.executionId} ${outbox.due.getTime()}`;
      return { outbox, key, since: this.seenSince.get(key) ?? monotonic };
    });
    this.seenSince = new Map(seen.map(({ key, since }) => [key, since]));
    return seen
      .filter(
        ({ outbox: { due, tries }, since }) =>
          due.getTime() <= now || monotonic - since >= retryDelayMs(tries),
      )
      .map(({ outbox }) => outbox);
  }
}
