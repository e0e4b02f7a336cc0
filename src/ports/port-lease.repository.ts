import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../common/http/paging.js';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import type { PortLease, PortOwnerMatch } from './port-lease.js';
import { PortLeaseStore, type PortLeaseFilter } from './port-lease-store.js';
import { PORT_LEASE_MODEL, type PortLeaseDocument } from './port-lease.schema.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** The collection `port_leases`. What a write left is known by its token. */
@Injectable()
export class PortLeaseRepository extends PortLeaseStore {
  constructor(@InjectModel(PORT_LEASE_MODEL) private readonly leases: Model<PortLeaseDocument>) {
    super();
  }

  async insert(lease: PortLease): Promise<boolean> {
    let tries = 0;
    return databaseRetry(async () => {
      tries += 1;
      // Inserts of one claim at once deadlock in PostgreSQL until one of them is stored. Who lost
      // looks first: one more insert would only meet those of all the others again.
      if (tries > 1 && (await this.findClaim(lease.claim))) return this.isStored(lease);
      return this.unlessTaken(lease, async () => {
        await this.leases.insertOne(documentOf(lease));
        return true;
      });
    }, RETRY);
  }

  async find(id: string): Promise<PortLease | undefined> {
    return this.findBy({ _id: id });
  }

  async findClaim(claim: string): Promise<PortLease | undefined> {
    return this.findBy({ claim });
  }

  async replace(seen: PortLease, next: PortLease): Promise<boolean> {
    const changed = documentOf(next);
    return databaseRetry(
      () =>
        this.unlessTaken(next, async () => {
          const filter = { _id: seen.id, token: seen.token };
          const { matchedCount } = await this.leases.updateOne(filter, { $set: changed });
          return matchedCount === 1 || this.isStored(next);
        }),
      RETRY,
    );
  }

  async remove({ id, token }: PortLease): Promise<boolean> {
    let tries = 0;
    return databaseRetry(async () => {
      tries += 1;
      const { deletedCount } = await this.leases.deleteOne({ _id: id, token });
      if (deletedCount === 1) return true;
      // A try before may have removed it; nobody else knew this token.
      return tries > 1 && (await this.leases.findById(id).lean().exec()) === null;
    }, RETRY);
  }

  async list({ host, states, owner }: PortLeaseFilter, limit = 0): Promise<PortLease[]> {
    const filter = {
      ...(host === undefined ? {} : { host }),
      ...(states === undefined ? {} : { state: { $in: [...states] } }),
      ...ownerFilter(owner),
    };
    const rows = await databaseRetry(
      () =>
        this.leases.find(filter).sort({ _id: 1 }).limit(limit).lean<PortLeaseDocument[]>().exec(),
      RETRY,
    );
    return rows.map(leaseOf);
  }

  async page({ limit, after }: PageRequest): Promise<Page<PortLease>> {
    const filter = {
      state: { $ne: 'in_use' as const },
      ...(after === undefined ? {} : { _id: { $gt: after } }),
    };
    const rows = await databaseRetry(
      () =>
        this.leases
          .find(filter)
          .sort({ _id: 1 })
          .limit(limit + 1)
          .lean<PortLeaseDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows.map(leaseOf), limit, ({ id }) => id);
  }

  private async findBy(
    filter: { _id: string } | { claim: string },
  ): Promise<PortLease | undefined> {
    const found = await databaseRetry(
      () => this.leases.findOne(filter).lean<PortLeaseDocument>().exec(),
      RETRY,
    );
    return found === null ? undefined : leaseOf(found);
  }

  /** A duplicate key may be that of a try before, whose answer was lost. */
  private async unlessTaken(lease: PortLease, write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await write();
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return this.isStored(lease);
    }
  }

  private async isStored({ id, token }: PortLease): Promise<boolean> {
    return (await this.leases.findOne({ _id: id, token }).lean().exec()) !== null;
  }
}

function ownerFilter({ service, release, instance }: Partial<PortOwnerMatch> = {}) {
  return {
    ...(service === undefined ? {} : { service }),
    ...(release === undefined ? {} : { release }),
    ...(instance === undefined ? {} : { instance }),
  };
}

function documentOf({ id, owner, checkedAt, ...lease }: PortLease): PortLeaseDocument {
  const { service, release, instance } = owner ?? {};
  return {
    _id: id,
    ...lease,
    service: service ?? null,
    release: release ?? null,
    instance: instance ?? null,
    checked_at: checkedAt,
  };
}

function leaseOf(stored: PortLeaseDocument): PortLease {
  const { _id, service, release, instance, checked_at, ...lease } = stored;
  const owner =
    service === null || release === null
      ? null
      : { service, release, ...(instance === null ? {} : { instance }) };
  return { id: _id, ...lease, owner, checkedAt: checked_at };
}
