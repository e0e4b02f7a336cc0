import { Injectable } from '@nestjs/common';
import { LeaseWatch, type Reading } from '../common/lease/lease-watch.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { HeldLease } from './held-lease.js';
import { LeaseStore, type StoredLease } from './lease-store.js';

interface Watched {
  readonly ttlMs: number;
  readonly watch: LeaseWatch;
}

/**
 * The right to do something that one process of the installation at a time does. Nobody compares
 * clocks: another one's lease is taken when this process itself saw it stand still for its whole
 * time. Its holder stops before, by its own clock.
 *
 * Even so a process that sleeps at the wrong moment may do one more thing under a lease that it has
 * lost. What is done under it is safe to be done twice, or is written under its fence.
 */
@Injectable()
export class Leases {
  private readonly holder = uuidV7();
  private readonly watched = new Map<string, Watched>();

  constructor(private readonly store: LeaseStore) {}

  /**
   * Takes the lease. `undefined`: it is somebody's, this process's own included, or it is not time
   * yet; ask again. Rejects when the store is away.
   */
  async take(name: string, ttlMs: number): Promise<HeldLease | undefined> {
    const seen = await this.find(name);
    if (seen !== undefined && !this.isFree(name, seen)) return undefined;
    const takenAt = performance.now();
    const fence = await this.store.take(name, this.holder, ttlMs, seen);
    if (fence === undefined) return undefined;
    this.watched.delete(name);
    return new HeldLease(this.store, { name, holder: this.holder, fence }, ttlMs, takenAt);
  }

  private async find(name: string): Promise<StoredLease | undefined> {
    try {
      return await this.store.find(name);
    } catch (error) {
      // Its holder cannot renew it either.
      this.observe(name, this.watched.get(name)?.watch, 'unreachable');
      throw error;
    }
  }

  private isFree(
    name: string,
    { holder, fence, renewals, ttlMs, notBefore }: StoredLease,
  ): boolean {
    if (holder === null) return notBefore.getTime() <= Date.now();
    const watch = this.watchOf(name, ttlMs);
    return this.observe(name, watch, new Map([[name, `${fence}.${renewals}`]]));
  }

  private observe(name: string, watch: LeaseWatch | undefined, reading: Reading): boolean {
    return watch?.observe([name], [reading], performance.now()).includes(name) ?? false;
  }

  private watchOf(name: string, ttlMs: number): LeaseWatch {
    const watched = this.watched.get(name);
    if (watched?.ttlMs === ttlMs) return watched.watch;
    const watch = new LeaseWatch(ttlMs);
    this.watched.set(name, { ttlMs, watch });
    return watch;
  }
}
