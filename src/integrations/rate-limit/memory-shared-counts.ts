import { SharedCounts, type CountUpdate, type WindowTotals } from './shared-counts.js';

/**
 * Counts in memory, for tests: limiters that are given the same one stand for processes that share
 * a Redis.
 */
export class MemorySharedCounts extends SharedCounts {
  /** Set it to make the store be away. */
  away = false;
  private readonly counts = new Map<string, number>();

  add(updates: readonly CountUpdate[]): Promise<readonly WindowTotals[]> {
    if (this.away) return Promise.reject(new Error('away'));
    return Promise.resolve(
      updates.map(({ limiter, client, window, add }) => {
        const key = (number: number): string => `${limiter}:${number}:${client}`;
        const current = (this.counts.get(key(window)) ?? 0) + add;
        this.counts.set(key(window), current);
        return { current, previous: this.counts.get(key(window - 1)) ?? 0 };
      }),
    );
  }
}
