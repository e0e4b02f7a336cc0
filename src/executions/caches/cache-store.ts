import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ArchiveError } from '../../common/archive/archive-error.js';
import { packTree } from '../../common/archive/pack-tree.js';
import { failPoint } from '../../common/fail-point.js';
import { timeOfUuid, uuidV7 } from '../../common/ids/uuid.js';
import { Globs } from '../../common/values/globs/globs.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';
import { objectKey, parseObjectKey } from '../../integrations/object-store/object-key.js';
import {
  type ObjectStore,
  ObjectStoreError,
  type StoredObject,
} from '../../integrations/object-store/object-store.js';
import { type Cache, cacheId, type CacheScopes, pathsOf, shareOf } from './cache.js';
import type { CacheRecords } from './cache-records.js';

const OBJECTS = 'caches';
/** An archive without a record is one of a process that was killed, after so long, ms. */
const ABANDONED_MS = 86_400_000;
/** Records that are read at once. */
const AT_ONCE = 100;
/** A cache that is found again is noted as used so much later at the latest, ms. */
const TOUCH_MS = 60_000;
/** Of the bytes of a pipeline; so many more are for all pull requests of other repositories. */
const SHARE_OF_FORKS = 0.25;

export interface CacheOrigin {
  readonly pipelineId: string;
  readonly executionId: string;
  readonly scopes: CacheScopes;
}

export interface WantedCache {
  /** What it is of. */
  readonly globs: readonly string[];
  readonly key: string;
  readonly restoreKeys: readonly string[];
}

export interface FoundCache {
  readonly cache: Cache;
  /** It has the key itself, and not only the beginning of it. */
  readonly isExact: boolean;
}

export interface SavedTree {
  readonly root: string;
  readonly globs: readonly string[];
  /** A folder of ours alone, for what is copied meanwhile. */
  readonly scratch: string;
}

export type SaveResult =
  | {
      readonly kind: 'saved';
      readonly cache: Cache;
      readonly evicted: number;
      /** Why others may be left that had to go. */
      readonly problem?: unknown;
    }
  | { readonly kind: 'nothing' | 'there' }
  | { readonly kind: 'too_large'; readonly message: string };

/** Caches of pipelines: an archive in the object store and a record for each. */
export class CacheStore {
  constructor(
    private readonly objects: ObjectStore,
    private readonly records: CacheRecords,
    /** Bytes of all caches of one pipeline, without those of forks. */
    private readonly maxBytes: number,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** What an archive may hold: none that holds more was ever saved. */
  get limits(): { readonly maxBytes: number; readonly maxEntries: number } {
    return { maxBytes: this.maxBytes, maxEntries: MAX_TREE_ENTRIES };
  }

  /** The cache of a key, or of the first of the beginnings that any has. */
  async find(
    { pipelineId, scopes }: CacheOrigin,
    { globs, key, restoreKeys }: WantedCache,
  ): Promise<FoundCache | undefined> {
    const paths = pathsOf(globs);
    for (const scope of scopes.read) {
      const cache = await this.records.find(cacheId({ pipelineId, scope, paths, key }));
      if (cache) return { cache, isExact: true };
    }
    for (const prefix of restoreKeys) {
      for (const scope of scopes.read) {
        const cache = await this.records.latest({ pipelineId, scope, paths }, prefix);
        if (cache) return { cache, isExact: cache.key === key };
      }
    }
    return undefined;
  }

  /**
   * Its archive. Undefined: it is gone, and so is its record now. The stream fails with an
   * ObjectStoreError `damaged` where it gives other bytes than were saved: see `isBroken`.
   *
   * @throws ObjectStoreError
   */
  async open(cache: Cache, signal: AbortSignal): Promise<Readable | undefined> {
    const key = parseObjectKey(cache.objectKey);
    if (key === undefined) return this.drop(cache);
    try {
      const { body } = await this.objects.get(key, { signal });
      const now = this.now();
      if (now.getTime() - cache.usedAt.getTime() > TOUCH_MS)
        await this.records.touch(cache.id, now);
      return Readable.from(asSaved(body, cache.digest), { objectMode: false });
    } catch (error) {
      if (!(error instanceof ObjectStoreError) || error.code !== 'not_found') throw error;
      return this.drop(cache);
    }
  }

  /** Removes one that turned out to be broken, or that somebody wants gone. Idempotent. */
  async drop(cache: Pick<Cache, 'id' | 'objectKey'>): Promise<undefined> {
    await this.records.remove(cache);
    const key = parseObjectKey(cache.objectKey);
    if (key !== undefined) await this.objects.delete(key);
    return undefined;
  }

  /**
   * Saves under a key of which there is none. Then the least used ones of its share are removed
   * that pass the limit of that.
   *
   * @throws ObjectStoreError, the reason of the signal, or an error of the records
   */
  async save(
    origin: CacheOrigin,
    key: string,
    { root, globs, scratch }: SavedTree,
    signal: AbortSignal,
  ): Promise<SaveResult> {
    const { pipelineId, executionId } = origin;
    const scope = origin.scopes.own;
    const paths = pathsOf(globs);
    const id = cacheId({ pipelineId, scope, paths, key });
    if (await this.records.find(id)) return { kind: 'there' };
    const packed = packTree(root, {
      globs: new Globs(globs),
      limits: { ...this.limits, maxBytes: this.bytesFor(scope), maxWalked: MAX_TREE_ENTRIES },
      ...{ scratch, signal },
    });
    const object = objectKey(OBJECTS, pipelineId, uuidV7());
    let stored: StoredObject;
    try {
      stored = await this.objects.put(object, packed.stream, { signal });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      return { kind: 'too_large', message: error.message };
    }
    failPoint('cache_stored');
    const createdAt = this.now();
    const cache: Cache = {
      ...{ id, pipelineId, scope, paths, key, ...stored, objectKey: object, executionId },
      ...{ createdAt, usedAt: createdAt },
    };
    const isWanted = packed.result().entries > 0;
    // Of two that save at once the first one stays.
    if (!isWanted || !(await this.records.insert(cache))) {
      await this.objects.delete(object);
      return { kind: isWanted ? 'there' : 'nothing' };
    }
    return { kind: 'saved', cache, ...(await this.evict(cache)) };
  }

  /**
   * Removes caches that no run has used since then, and archives of which there is no record: who
   * saved them was killed before. Any number of processes may do so.
   *
   * @returns how many
   */
  async sweep(unusedSince: Date): Promise<number> {
    let removed = 0;
    for (;;) {
      const unused = await this.records.unused(unusedSince, AT_ONCE);
      for (const cache of unused) await this.drop(cache);
      removed += unused.length;
      if (unused.length < AT_ONCE) break;
    }
    const madeBefore = this.now().getTime() - ABANDONED_MS;
    for await (const keys of this.objects.list(objectKey(OBJECTS))) {
      const old = keys.filter((key) => timeOfUuid(key.split('/').at(-1) ?? '') < madeBefore);
      const known = await this.records.objectsOf(old);
      for (const key of old.filter((one) => !known.has(one))) {
        await this.objects.delete(key);
        removed += 1;
      }
    }
    return removed;
  }

  private bytesFor(scope: string): number {
    return shareOf(scope) === 'trusted' ? this.maxBytes : this.maxBytes * SHARE_OF_FORKS;
  }

  /** Makes room for one that is saved. What goes wrong takes nothing from that. */
  private async evict({
    pipelineId,
    scope,
    id,
  }: Cache): Promise<{ readonly evicted: number; readonly problem?: unknown }> {
    let evicted = 0;
    const share = shareOf(scope);
    try {
      let over = (await this.records.bytesOf(pipelineId, share)) - this.bytesFor(scope);
      while (over > 0) {
        const oldest = await this.records.leastUsed(pipelineId, share, AT_ONCE);
        const others = oldest.filter((one) => one.id !== id);
        if (others.length === 0) break;
        for (const cache of others) {
          if (over <= 0) break;
          await this.drop(cache);
          over -= cache.size;
          evicted += 1;
        }
      }
      return { evicted };
    } catch (problem) {
      return { evicted, problem };
    }
  }
}

/** Whether the archive is the reason: it will not be better the next time. */
export function isBroken(error: unknown): boolean {
  if (error instanceof ObjectStoreError) return error.code === 'damaged';
  return error instanceof ArchiveError;
}

/** Passes the bytes on, and fails at their end where they are not those of the digest. */
async function* asSaved(body: Readable, digest: string): AsyncGenerator<Buffer, void, void> {
  const hash = createHash('sha256');
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') === digest) return;
  throw new ObjectStoreError('damaged', 'the archive of a cache is not what was saved');
}
