/** A lease as it is stored. */
export interface StoredLease {
  /** Whose it is; null: nobody's. */
  readonly holder: string | null;
  /** Rises every time that somebody takes it. What is done under an older one is out of date. */
  readonly fence: number;
  /** Rises every time that its holder renews it. */
  readonly renewals: number;
  /** Not renewed for so long, it is anybody's. The one who took it says how long. */
  readonly ttlMs: number;
  /** Nobody takes it before; a time of the clock of whoever gave it back. */
  readonly notBefore: Date;
}

/** By what a store knows who has a lease. */
export interface LeaseHold {
  readonly name: string;
  readonly holder: string;
  readonly fence: number;
}

/**
 * Port: where leases are kept. All methods may be called concurrently and from several processes,
 * and reject when the store is away; the outcome of a write is then unknown. Two adapters: the
 * database and memory.
 */
export abstract class LeaseStore {
  abstract find(name: string): Promise<StoredLease | undefined>;

  /**
   * Takes the lease if it is exactly as it was seen (`undefined`: there is none yet).
   * @returns the new fence; `undefined`: it is not as it was seen any more
   */
  abstract take(
    name: string,
    holder: string,
    ttlMs: number,
    seen: StoredLease | undefined,
  ): Promise<number | undefined>;

  /** False: the lease is somebody else's by now, or nobody's. Idempotent. */
  abstract renew(hold: LeaseHold, renewals: number): Promise<boolean>;

  /** Gives it back; a lease that is somebody else's by now stays as it is. Idempotent. */
  abstract release(hold: LeaseHold, notBefore: Date): Promise<void>;
}
