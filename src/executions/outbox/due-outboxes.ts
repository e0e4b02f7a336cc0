import { SeenSince } from '../../common/async/seen-since.js';
import type { WaitingOutbox } from './outbox-store.js';
import { retryDelayMs } from './retry-delay.js';

/**
 * Which outboxes are due: by the clock of whoever wrote them, or because they stood here unchanged
 * for as long as they should rest.
 */
export class DueOutboxes {
  private readonly seen: SeenSince<WaitingOutbox>;

  constructor(
    private readonly now: () => number = () => Date.now(),
    monotonic?: () => number,
  ) {
    this.seen = new SeenSince(
      ({ executionId, due }) => `${executionId} ${due.getTime()}`,
      monotonic,
    );
  }

  among(waiting: readonly WaitingOutbox[]): readonly WaitingOutbox[] {
    const now = this.now();
    const ages = this.seen.ages(waiting);
    return waiting.filter(
      ({ due, tries }, index) => due.getTime() <= now || (ages[index] ?? 0) >= retryDelayMs(tries),
    );
  }
}
