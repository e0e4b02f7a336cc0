import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { type Maintenance, NO_MAINTENANCE } from './maintenance.js';
import { type HealthWrite, ServiceStore } from './service-store.js';
import type {
  NewWatchedService,
  ServiceChange,
  ServiceSettings,
  ShardWatch,
  WatchedRevision,
  WatchedService,
} from './watched-service.js';

/** Stands in for the database. */
export class MemoryServiceStore extends ServiceStore {
  readonly services = new Map<string, WatchedService>();
  readonly changeRecords = new Map<string, ServiceChange>();
  readonly watches = new Map<string, ShardWatch>();

  insert(service: NewWatchedService): Promise<boolean> {
    const known = this.services.get(service._id);
    if (known) return Promise.resolve(known.id === service.id);
    this.services.set(service._id, {
      ...{ ...service, health: null, outbox: [], beat: null },
      maintenance: NO_MAINTENANCE,
    });
    return Promise.resolve(true);
  }

  find(id: string): Promise<WatchedService | undefined> {
    return Promise.resolve(this.services.get(id));
  }

  findByUuid(uuid: string): Promise<WatchedService | undefined> {
    return Promise.resolve([...this.services.values()].find(({ id }) => id === uuid));
  }

  among(ids: readonly string[]): Promise<ReadonlyMap<string, WatchedService>> {
    return Promise.resolve(new Map([...this.services].filter(([id]) => ids.includes(id))));
  }

  page({ limit, after }: PageRequest): Promise<Page<WatchedService>> {
    const rows = [...this.services.values()]
      .filter(({ _id }) => after === undefined || _id > after)
      .sort((a, b) => (a._id < b._id ? -1 : 1));
    return Promise.resolve(pageOf(rows, limit, ({ _id }) => _id));
  }

  change(
    id: string,
    settings: Partial<ServiceSettings>,
    at: Date,
    revision: string,
  ): Promise<boolean> {
    return this.set(id, { ...settings, updated_at: at, revision });
  }

  beat(id: string, beat: string, at: Date, ttlSeconds?: number): Promise<boolean> {
    const ttl = ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds };
    return this.set(id, { beat, last_heartbeat: at, ...ttl });
  }

  maintain(id: string, next: Maintenance): Promise<boolean> {
    const known = this.services.get(id);
    if (known?.maintenance.version !== next.version - 1) return Promise.resolve(false);
    return this.set(id, { maintenance: next });
  }

  remove(id: string): Promise<void> {
    this.services.delete(id);
    for (const [key, { service }] of this.changeRecords) {
      if (service === id) this.changeRecords.delete(key);
    }
    return Promise.resolve();
  }

  revisions(shard: string): Promise<readonly WatchedRevision[]> {
    const own = [...this.services.values()].filter((one) => one.shard === shard);
    const rows = own.map(({ _id, revision, beat }) => ({ _id, revision, beat }));
    return Promise.resolve(rows.sort((a, b) => (a._id < b._id ? -1 : 1)));
  }

  async assign(id: string, shard: string): Promise<void> {
    await this.set(id, { shard });
  }

  writeHealth(id: string, { health, outbox }: HealthWrite): Promise<boolean> {
    const known = this.services.get(id);
    if (known === undefined || (known.health?.fence ?? 0) > health.fence) {
      return Promise.resolve(false);
    }
    return this.set(id, { health, outbox });
  }

  insertChanges(changes: readonly ServiceChange[]): Promise<void> {
    for (const change of changes) {
      if (!this.changeRecords.has(change._id)) this.changeRecords.set(change._id, change);
    }
    return Promise.resolve();
  }

  changes(serviceId: string, { limit, after }: PageRequest): Promise<Page<ServiceChange>> {
    const rows = [...this.changeRecords.values()]
      .filter(({ service, _id }) => service === serviceId && (after === undefined || _id < after))
      .sort((a, b) => (a._id < b._id ? 1 : -1));
    return Promise.resolve(pageOf(rows, limit, ({ _id }) => _id));
  }

  removeChangesBefore(time: Date): Promise<void> {
    for (const [key, { at }] of this.changeRecords) if (at < time) this.changeRecords.delete(key);
    return Promise.resolve();
  }

  observed(watch: ShardWatch): Promise<boolean> {
    if ((this.watches.get(watch._id)?.fence ?? 0) > watch.fence) return Promise.resolve(false);
    this.watches.set(watch._id, watch);
    return Promise.resolve(true);
  }

  shard(name: string): Promise<ShardWatch | undefined> {
    return Promise.resolve(this.watches.get(name));
  }

  shards(): Promise<ReadonlyMap<string, ShardWatch>> {
    return Promise.resolve(new Map(this.watches));
  }

  private set(id: string, change: Partial<WatchedService>): Promise<boolean> {
    const known = this.services.get(id);
    if (known === undefined) return Promise.resolve(false);
    this.services.set(id, { ...known, ...change });
    return Promise.resolve(true);
  }
}
