/**
 * Port: counters over all processes. A counter may be lost, and begins from 0 then: whoever uses it
 * holds what it says against a store.
 */
export abstract class Counters {
  /**
   * Counts one on from where the counter is, or from `taken` where that is more. Undefined: nobody
   * counts now. Never rejects.
   */
  abstract next(name: readonly string[], taken?: number): Promise<number | undefined>;
}
