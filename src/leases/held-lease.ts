import { KeptLease } from '../common/lease/kept-lease.js';
import type { LeaseHold, LeaseStore } from './lease-store.js';

/** It is renewed so often within its time, so that one renewal that fails costs nothing. */
const RENEWALS_IN_TTL = 4;

/** A lease that this process holds, and renews until it is given back or lost. */
export class HeldLease {
  private readonly kept: KeptLease;
  private readonly onLost: (() => void)[] = [];

  /** @param takenAt monotonic time before it was taken */
  constructor(
    private readonly store: LeaseStore,
    private readonly hold: LeaseHold,
    ttlMs: number,
    takenAt: number,
  ) {
    this.kept = new KeptLease({
      everyMs: ttlMs / RENEWALS_IN_TTL,
      ttlMs,
      unref: true,
      stores: [{ renew: async (count) => ((await store.renew(hold, count)) ? 'kept' : 'lost') }],
      onLost: () => {
        for (const listener of this.onLost) listener();
      },
    });
    this.kept.start(takenAt);
  }

  /** Rises with every holder: a write with an older one can be refused. */
  get fence(): number {
    return this.hold.fence;
  }

  /** True: somebody else may be at it by now. Told as early as this process can know. */
  get isLost(): boolean {
    return this.kept.isLost;
  }

  /** Called once. */
  whenLost(listener: () => void): void {
    this.onLost.push(listener);
  }

  /**
   * Gives it back. Rejects when the store is away; the lease then runs out by itself.
   * @param pauseMs nobody takes it within this time
   */
  async release(pauseMs = 0): Promise<void> {
    this.kept.stop();
    await this.store.release(this.hold, new Date(Date.now() + pauseMs));
  }
}
