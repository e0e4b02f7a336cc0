import type { Cache, CacheShare } from './cache.js';

/** Of these a cache may stand for another one whose key begins as its own does. */
export type CacheFamily = Pick<Cache, 'pipelineId' | 'scope' | 'paths'>;

/**
 * Port: what is known of caches. Adapters: the database, and files for `millrace run`; both pass
 * `cache-records.contract.fixture.ts`. All methods may be called concurrently, by several processes
 * too.
 */
export abstract class CacheRecords {
  abstract find(id: string): Promise<Cache | undefined>;
  /** The one that was saved last of those whose key begins so. */
  abstract latest(family: CacheFamily, prefix: string): Promise<Cache | undefined>;
  /** False: there is one of its id, which stays. */
  abstract insert(cache: Cache): Promise<boolean>;
  abstract touch(id: string, usedAt: Date): Promise<void>;
  /** What was saved under its id since, as another archive, stays. Idempotent. */
  abstract remove(cache: Pick<Cache, 'id' | 'objectKey'>): Promise<void>;
  /** Not used since then, the oldest first. */
  abstract unused(since: Date, limit: number): Promise<readonly Cache[]>;
  /** Which of these archives there are records of. */
  abstract objectsOf(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Of all archives of a share of a pipeline. */
  abstract bytesOf(pipelineId: string, share: CacheShare): Promise<number>;
  /** Those of a share of a pipeline that were not used for longest, these first. */
  abstract leastUsed(
    pipelineId: string,
    share: CacheShare,
    limit: number,
  ): Promise<readonly Cache[]>;
}
