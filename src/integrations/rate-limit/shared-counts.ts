/** What one process counted of one client in one window. */
export interface CountUpdate {
  readonly limiter: string;
  readonly client: string;
  /** Number of the window since the epoch. */
  readonly window: number;
  readonly add: number;
}

/** What all processes together counted of one client. */
export interface WindowTotals {
  readonly current: number;
  readonly previous: number;
}

/**
 * The counts that all API processes share. They are forgotten by themselves once no window needs
 * them.
 */
export abstract class SharedCounts {
  /**
   * Adds to the counts and answers the new totals, in the order of the updates. May run
   * concurrently; not idempotent. Rejects when the store is away: what was to be added may or may
   * not have been.
   * @param windowMs length of a window
   */
  abstract add(updates: readonly CountUpdate[], windowMs: number): Promise<readonly WindowTotals[]>;
}
