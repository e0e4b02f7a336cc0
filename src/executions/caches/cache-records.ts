import type { Cache } from './cache.js';

/** Port: what is known of caches. Adapters: the database, and a file for `millrace run`. */
export abstract class CacheRecords {
  abstract find(id: string): Promise<Cache | undefined>;
  /** The one that was saved last of those whose key begins so. */
  abstract latest(pipelineId: string, scope: string, prefix: string): Promise<Cache | undefined>;
  /** False: there is one of its id, which stays. */
  abstract insert(cache: Cache): Promise<boolean>;
  abstract touch(id: string, usedAt: Date): Promise<void>;
  abstract remove(id: string): Promise<void>;
  /** Not used since then, the oldest first. */
  abstract unused(since: Date, limit: number): Promise<readonly Cache[]>;
  /** Which of these archives there are records of. */
  abstract objectsOf(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Those of a pipeline that were not used for longest come first. */
  abstract leastUsed(pipelineId: string): Promise<readonly Cache[]>;
}
