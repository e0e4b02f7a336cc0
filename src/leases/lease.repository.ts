import type { Model } from 'mongoose';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { LeaseStore, type LeaseHold, type StoredLease } from './lease-store.js';
import type { LeaseRecord } from './lease.schema.js';

/** `leases`. Every write is one compare-and-set. */
export class LeaseRepository extends LeaseStore {
  constructor(private readonly leases: Model<LeaseRecord>) {
    super();
  }

  async find(name: string): Promise<StoredLease | undefined> {
    const found = await this.leases.findById(name).lean<LeaseRecord | null>();
    return found === null ? undefined : storedLease(found);
  }

  async take(
    name: string,
    holder: string,
    ttlMs: number,
    seen: StoredLease | undefined,
  ): Promise<number | undefined> {
    const taken = { holder, renewals: 1, ttl_ms: ttlMs, not_before: new Date(0) };
    if (seen === undefined) return this.begin({ _id: name, fence: 1, ...taken });
    const { fence, renewals } = seen;
    const { matchedCount } = await this.leases.updateOne(
      { _id: name, fence, renewals, holder: seen.holder },
      { $set: { ...taken, fence: fence + 1 } },
    );
    return matchedCount === 1 ? fence + 1 : undefined;
  }

  async renew({ name, holder, fence }: LeaseHold, renewals: number): Promise<boolean> {
    const { matchedCount } = await this.leases.updateOne(
      { _id: name, holder, fence },
      { $set: { renewals } },
    );
    return matchedCount === 1;
  }

  async release({ name, holder, fence }: LeaseHold, notBefore: Date): Promise<void> {
    await this.leases.updateOne(
      { _id: name, holder, fence },
      { $set: { holder: null, not_before: notBefore } },
    );
  }

  private async begin(lease: LeaseRecord): Promise<number | undefined> {
    try {
      await this.leases.insertOne(lease);
      return lease.fence;
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  }
}

function storedLease({ holder, fence, renewals, ttl_ms, not_before }: LeaseRecord): StoredLease {
  return { holder, fence, renewals, ttlMs: ttl_ms, notBefore: not_before };
}
