import { LeaseStore, type LeaseHold, type StoredLease } from './lease-store.js';

/** For tests, and for what has no database. */
export class MemoryLeaseStore extends LeaseStore {
  private readonly leases = new Map<string, StoredLease>();

  async find(name: string): Promise<StoredLease | undefined> {
    return this.leases.get(name);
  }

  async take(
    name: string,
    holder: string,
    ttlMs: number,
    seen: StoredLease | undefined,
  ): Promise<number | undefined> {
    const current = this.leases.get(name);
    if (current?.fence !== seen?.fence || current?.renewals !== seen?.renewals) return undefined;
    if (current?.holder !== seen?.holder) return undefined;
    const fence = (seen?.fence ?? 0) + 1;
    this.leases.set(name, { holder, fence, renewals: 1, ttlMs, notBefore: new Date(0) });
    return fence;
  }

  async renew(hold: LeaseHold, renewals: number): Promise<boolean> {
    return this.change(hold, { renewals });
  }

  async release(hold: LeaseHold, notBefore: Date): Promise<void> {
    this.change(hold, { holder: null, notBefore });
  }

  private change({ name, holder, fence }: LeaseHold, change: Partial<StoredLease>): boolean {
    const current = this.leases.get(name);
    if (current?.holder !== holder || current.fence !== fence) return false;
    this.leases.set(name, { ...current, ...change });
    return true;
  }
}
