import { Counters } from './counters.js';

/** Counters in memory, for tests. */
export class MemoryCounters extends Counters {
  readonly values = new Map<string, number>();
  isAway = false;

  async next(name: readonly string[], taken = 0): Promise<number | undefined> {
    if (this.isAway) return undefined;
    const key = name.join(':');
    const next = Math.max(this.values.get(key) ?? 0, taken) + 1;
    this.values.set(key, next);
    return next;
  }
}
