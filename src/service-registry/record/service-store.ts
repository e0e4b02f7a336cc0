import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Maintenance } from './maintenance.js';
import type {
  NewWatchedService,
  ServiceChange,
  ServiceHealth,
  ServiceSettings,
  ShardWatch,
  WatchedRevision,
  WatchedService,
} from './watched-service.js';

/** What a monitor writes of a service, whole. */
export interface HealthWrite {
  readonly health: ServiceHealth;
  readonly outbox: readonly ServiceChange[];
}

/**
 * Port: what is registered, and what was seen of it. All methods may be called concurrently and
 * from several processes, and reject when the store is away; every write may be repeated. Adapters:
 * the database and memory.
 */
export abstract class ServiceStore {
  /** False: there is one of this environment and name. */
  abstract insert(service: NewWatchedService): Promise<boolean>;
  abstract find(id: string): Promise<WatchedService | undefined>;
  /** By its UUID. */
  abstract findByUuid(uuid: string): Promise<WatchedService | undefined>;
  /** Those that there are, by their ids. */
  abstract among(ids: readonly string[]): Promise<ReadonlyMap<string, WatchedService>>;
  /** By environment and name; the sort key is the id. */
  abstract page(page: PageRequest): Promise<Page<WatchedService>>;
  /** False: there is none. */
  abstract change(
    id: string,
    settings: Partial<ServiceSettings>,
    at: Date,
    revision: string,
  ): Promise<boolean>;
  /** False: there is none. @param ttlSeconds another one from now on */
  abstract beat(id: string, beat: string, at: Date, ttlSeconds?: number): Promise<boolean>;
  /**
   * Stores what is the next version of the maintenance of a service. False: it has another version
   * by now, or is gone.
   */
  abstract maintain(id: string, next: Maintenance): Promise<boolean>;
  /** With the history of its states. Idempotent. */
  abstract remove(id: string): Promise<void>;

  /** Of one shard, in order of ids. */
  abstract revisions(shard: string): Promise<readonly WatchedRevision[]>;
  /** Gives a service to a shard. Idempotent. */
  abstract assign(id: string, shard: string): Promise<void>;
  /** False: it is gone, or a monitor of a later fence has written. */
  abstract writeHealth(id: string, write: HealthWrite): Promise<boolean>;
  /** Those that are stored already stay as they are. */
  abstract insertChanges(changes: readonly ServiceChange[]): Promise<void>;
  /** Of one service, the newest first; the sort key is the id. */
  abstract changes(service: string, page: PageRequest): Promise<Page<ServiceChange>>;
  abstract removeChangesBefore(time: Date): Promise<void>;

  /** False: a monitor of a later fence has told. */
  abstract observed(watch: ShardWatch): Promise<boolean>;
  abstract shard(name: string): Promise<ShardWatch | undefined>;
  abstract shards(): Promise<ReadonlyMap<string, ShardWatch>>;
}
