import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Maintenance, MaintenanceWindow } from './maintenance.js';
import { type HealthWrite, ServiceStore } from './service-store.js';
import {
  SERVICE_CHANGE_MODEL,
  SHARD_WATCH_MODEL,
  WATCHED_SERVICE_MODEL,
} from './watched-service.schema.js';
import type {
  NewWatchedService,
  ServiceChange,
  ServiceSettings,
  ShardWatch,
  WatchedRevision,
  WatchedService,
} from './watched-service.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5_000 } as const;

/** The fence stands beside the health as well: filters do not look into what is `Mixed`. */
export interface WatchedServiceDocument extends Omit<WatchedService, 'maintenance' | 'checks'> {
  readonly health_fence: number;
  /** Absent in documents of older releases, as the maintenance and its version are. */
  readonly checks?: WatchedService['checks'];
  readonly maintenance?: readonly MaintenanceWindow[];
  readonly maintenance_version?: number;
}

/** The collections `watched_services`, `service_changes` and `service_monitors`. */
@Injectable()
export class ServicesRepository extends ServiceStore {
  constructor(
    @InjectModel(WATCHED_SERVICE_MODEL) private readonly services: Model<WatchedServiceDocument>,
    @InjectModel(SERVICE_CHANGE_MODEL) private readonly changeRecords: Model<ServiceChange>,
    @InjectModel(SHARD_WATCH_MODEL) private readonly monitors: Model<ShardWatch>,
  ) {
    super();
  }

  async insert(service: NewWatchedService): Promise<boolean> {
    const seen = { health: null, health_fence: 0, outbox: [], beat: null };
    const none = { maintenance: [], maintenance_version: 0 };
    return databaseRetry(async () => {
      try {
        await this.services.insertOne({ ...service, ...seen, ...none });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // A try before, whose answer was lost, has stored this very one.
        return (await this.find(service._id))?.id === service.id;
      }
    }, RETRY);
  }

  async find(id: string): Promise<WatchedService | undefined> {
    return found(await this.services.findById(id).lean<WatchedServiceDocument | null>());
  }

  async findByUuid(uuid: string): Promise<WatchedService | undefined> {
    return found(await this.services.findOne({ id: uuid }).lean<WatchedServiceDocument | null>());
  }

  async among(ids: readonly string[]): Promise<ReadonlyMap<string, WatchedService>> {
    if (ids.length === 0) return new Map();
    const some = await this.services
      .find({ _id: { $in: [...ids] } })
      .lean<WatchedServiceDocument[]>();
    return new Map(some.map((one) => [one._id, service(one)]));
  }

  async page({ limit, after }: PageRequest): Promise<Page<WatchedService>> {
    const rows = await this.services
      .find(after === undefined ? {} : { _id: { $gt: after } })
      .sort({ _id: 1 })
      .limit(limit + 1)
      .lean<WatchedServiceDocument[]>();
    return pageOf(rows.map(service), limit, ({ _id }) => _id);
  }

  async change(
    id: string,
    settings: Partial<ServiceSettings>,
    at: Date,
    revision: string,
  ): Promise<boolean> {
    return this.set(id, { ...settings, updated_at: at, revision });
  }

  async beat(id: string, beat: string, at: Date, ttlSeconds?: number): Promise<boolean> {
    const ttl = ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds };
    return this.set(id, { beat, last_heartbeat: at, ...ttl });
  }

  async maintain(id: string, { version, windows }: Maintenance): Promise<boolean> {
    const before = version === 1 ? { $in: [0, null] } : version - 1;
    const { matchedCount } = await databaseRetry(
      () =>
        this.services.updateOne(
          { _id: id, maintenance_version: before },
          { $set: { maintenance: windows, maintenance_version: version } },
        ),
      RETRY,
    );
    return matchedCount === 1;
  }

  async remove(id: string): Promise<void> {
    await databaseRetry(async () => {
      await this.services.deleteOne({ _id: id });
      await this.changeRecords.deleteMany({ service: id });
    }, RETRY);
  }

  async revisions(shard: string): Promise<readonly WatchedRevision[]> {
    return this.services
      .find({ shard }, { revision: 1, beat: 1 })
      .sort({ _id: 1 })
      .lean<WatchedRevision[]>();
  }

  async assign(id: string, shard: string): Promise<void> {
    await this.set(id, { shard });
  }

  async writeHealth(id: string, { health, outbox }: HealthWrite): Promise<boolean> {
    const { fence } = health;
    const { matchedCount } = await databaseRetry(
      () =>
        this.services.updateOne(
          { _id: id, health_fence: { $lte: fence } },
          { $set: { health, health_fence: fence, outbox } },
        ),
      RETRY,
    );
    return matchedCount === 1;
  }

  async insertChanges(changes: readonly ServiceChange[]): Promise<void> {
    for (const change of changes) {
      await databaseRetry(async () => {
        try {
          await this.changeRecords.insertOne(change);
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
      }, RETRY);
    }
  }

  async changes(serviceId: string, { limit, after }: PageRequest): Promise<Page<ServiceChange>> {
    const rows = await this.changeRecords
      .find({ service: serviceId, ...(after !== undefined && { _id: { $lt: after } }) })
      .sort({ _id: -1 })
      .limit(limit + 1)
      .lean<ServiceChange[]>();
    return pageOf(rows, limit, ({ _id }) => _id);
  }

  async removeChangesBefore(time: Date): Promise<void> {
    await databaseRetry(() => this.changeRecords.deleteMany({ at: { $lt: time } }), RETRY);
  }

  async observed(watch: ShardWatch): Promise<boolean> {
    const { _id, gap = null, ...seen } = watch;
    const { fence } = seen;
    return databaseRetry(async () => {
      const { matchedCount } = await this.monitors.updateOne(
        { _id, fence: { $lte: fence } },
        { $set: { ...seen, gap } },
      );
      if (matchedCount === 1) return true;
      try {
        await this.monitors.insertOne({ ...watch, gap });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return (await this.shard(_id))?.fence === fence;
      }
    }, RETRY);
  }

  async shard(name: string): Promise<ShardWatch | undefined> {
    return (await this.monitors.findById(name).lean<ShardWatch | null>()) ?? undefined;
  }

  async shards(): Promise<ReadonlyMap<string, ShardWatch>> {
    const all = await this.monitors.find().lean<ShardWatch[]>();
    return new Map(all.map((one) => [one._id, one]));
  }

  private async set(id: string, change: Partial<WatchedServiceDocument>): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () => this.services.updateOne({ _id: id }, { $set: change }),
      RETRY,
    );
    return matchedCount === 1;
  }
}

function found(document: WatchedServiceDocument | null): WatchedService | undefined {
  return document === null ? undefined : service(document);
}

function service(document: WatchedServiceDocument): WatchedService {
  const { health_fence, maintenance: windows = [], maintenance_version, ...rest } = document;
  const { checks = [] } = document;
  void health_fence;
  return { ...rest, checks, maintenance: { version: maintenance_version ?? 0, windows } };
}
