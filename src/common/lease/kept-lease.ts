/** One store in which a lease is renewed. */
export interface RenewedStore {
  /**
   * Renews it there. `lost`: others ended the lease, or have it. Rejects when the store is away,
   * which says nothing of the lease.
   * @param count rises with every renewal
   */
  renew(count: number): Promise<'kept' | 'lost'>;
  /** Called when a renewal ended and the lease is not lost; `error`: the store is away. */
  renewed?(error?: unknown): void;
}

export interface KeptLeaseOptions {
  readonly everyMs: number;
  readonly stores: readonly RenewedStore[];
  /**
   * False: the holder cannot do what it promised, so nothing is renewed. Default: it always can.
   */
  readonly mayRenew?: () => boolean;
  /**
   * Renewed in no store for so long by the holder's own clock, the lease is lost to it: others may
   * have it by now. Absent: it is lost only when a store says so.
   */
  readonly ttlMs?: number;
  /** Called once. */
  readonly onLost: () => void;
  /** True: the lease alone does not keep the process alive. */
  readonly unref?: boolean;
}

/**
 * The holder's side of a lease: renews it again and again, and tells once that it is lost. No store
 * waits for another: one that hangs must not make the renewals in the others rare.
 */
export class KeptLease {
  private count = 1;
  private readonly underWay = new Map<RenewedStore, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private renewedAt = performance.now();
  private isOver = false;

  constructor(private readonly options: KeptLeaseOptions) {}

  /** The number of the last renewal; 1 is that by which it was taken. */
  get renewals(): number {
    return this.count;
  }

  /**
   * True as soon as others may have it, whether that was reported yet or not. Asked after `stop`:
   * as of then.
   */
  get isLost(): boolean {
    if (!this.isOver && this.isExpired()) this.lose();
    return this.isOver;
  }

  /** To be called right after it was taken. */
  start(takenAt = performance.now()): void {
    this.renewedAt = takenAt;
    this.timer = setInterval(() => void this.renew(), this.options.everyMs);
    if (this.options.unref) this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Renews in every store that is not at it already. Never rejects. */
  async renew(): Promise<void> {
    if (this.isLost || this.options.mayRenew?.() === false) return;
    this.count += 1;
    await Promise.all(this.options.stores.map((store) => this.renewIn(store)));
  }

  /** Renews once those renewals are over that are under way: they may tell what was true before. */
  async renewAnew(): Promise<void> {
    await Promise.all(this.underWay.values());
    await this.renew();
  }

  private async renewIn(store: RenewedStore): Promise<void> {
    if (this.underWay.has(store)) return;
    const renewal = this.attempt(store).finally(() => this.underWay.delete(store));
    this.underWay.set(store, renewal);
    await renewal;
  }

  private async attempt(store: RenewedStore): Promise<void> {
    const began = performance.now();
    let outcome: 'kept' | 'lost';
    try {
      outcome = await store.renew(this.count);
    } catch (error) {
      store.renewed?.(error);
      return;
    }
    if (outcome === 'lost') {
      this.lose();
      return;
    }
    // What was sent later than this may never have arrived.
    this.renewedAt = Math.max(this.renewedAt, began);
    store.renewed?.();
  }

  private isExpired(): boolean {
    const { ttlMs } = this.options;
    return ttlMs !== undefined && performance.now() - this.renewedAt >= ttlMs;
  }

  /** A renewal that comes back after the stop is nobody's any more. */
  private lose(): void {
    if (this.isOver || this.timer === undefined) return;
    this.isOver = true;
    this.stop();
    this.options.onLost();
  }
}
