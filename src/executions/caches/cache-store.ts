import type { Readable } from 'node:stream';
import { ArchiveError } from '../../common/archive/archive-error.js';
import { packTree } from '../../common/archive/pack-tree.js';
import { failPoint } from '../../common/fail-point.js';
import { timeOfUuid, uuidV7 } from '../../common/ids/uuid.js';
import { Globs } from '../../common/values/globs/globs.js';
import { objectKey, parseObjectKey } from '../../integrations/object-store/object-key.js';
import {
  type ObjectStore,
  ObjectStoreError,
} from '../../integrations/object-store/object-store.js';
import { type Cache, cacheId, type CacheScopes } from './cache.js';
import type { CacheRecords } from './cache-records.js';

const MAX_ENTRIES = 1_000_000;
const OBJECTS = 'caches';
/** An archive without a record is one of a process that was killed, after so long, ms. */
const ABANDONED_MS = 86_400_000;
/** Records that are read at once. */
const AT_ONCE = 100;
/** A cache that is found again is noted as used so much later at the latest, ms. */
const TOUCH_MS = 60_000;

export interface CacheOrigin {
  readonly pipelineId: string;
  readonly executionId: string;
  readonly scopes: CacheScopes;
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
  | { readonly kind: 'saved'; readonly cache: Cache; readonly evicted: number }
  | { readonly kind: 'nothing' | 'there' }
  | { readonly kind: 'too_large'; readonly message: string };

/** Caches of pipelines: an archive in the object store and a record for each. */
export class CacheStore {
  constructor(
    private readonly objects: ObjectStore,
    private readonly records: CacheRecords,
    /** Bytes of all caches of one pipeline. */
    private readonly maxBytes: number,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** What an archive may hold: none that holds more was ever saved. */
  get limits(): { readonly maxBytes: number; readonly maxEntries: number } {
    return { maxBytes: this.maxBytes, maxEntries: MAX_ENTRIES };
  }

  /** The cache of a key, or of the first of the beginnings that any has. */
  async find(
    { pipelineId, scopes }: CacheOrigin,
    key: string,
    restoreKeys: readonly string[],
  ): Promise<FoundCache | undefined> {
    for (const scope of scopes.read) {
      const cache = await this.records.find(cacheId(pipelineId, scope, key));
      if (cache) return { cache, isExact: true };
    }
    for (const prefix of restoreKeys) {
      for (const scope of scopes.read) {
        const cache = await this.records.latest(pipelineId, scope, prefix);
        if (cache) return { cache, isExact: cache.key === key };
      }
    }
    return undefined;
  }

  /**
   * Its archive. Undefined: it is gone; so is its record then.
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
      return body;
    } catch (error) {
      if (!(error instanceof ObjectStoreError) || error.code !== 'not_found') throw error;
      return this.drop(cache);
    }
  }

  /** Removes one that turned out to be broken, or that somebody wants gone. Idempotent. */
  async drop(cache: Pick<Cache, 'id' | 'objectKey'>): Promise<undefined> {
    await this.records.remove(cache.id);
    const key = parseObjectKey(cache.objectKey);
    if (key !== undefined) await this.objects.delete(key);
    return undefined;
  }

  /**
   * Saves under a key of which there is none. Then the pipeline's least used ones are removed that
   * pass its limit.
   *
   * @throws ObjectStoreError, the reason of the signal, or an error of the records
   */
  async save(
    origin: CacheOrigin,
    key: string,
    { root, globs, scratch }: SavedTree,
    signal: AbortSignal,
  ): Promise<SaveResult> {
    const { pipelineId, executionId, scopes } = origin;
    const id = cacheId(pipelineId, scopes.own, key);
    if (await this.records.find(id)) return { kind: 'there' };
    const packed = packTree(root, {
      globs: new Globs(globs),
      limits: { ...this.limits, maxWalked: MAX_ENTRIES },
      ...{ scratch, signal },
    });
    const object = objectKey(OBJECTS, pipelineId, uuidV7());
    let size: number;
    try {
      ({ size } = await this.objects.put(object, packed.stream, { signal }));
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      return { kind: 'too_large', message: error.message };
    }
    failPoint('cache_stored');
    const createdAt = this.now();
    const cache: Cache = {
      ...{ id, pipelineId, scope: scopes.own, key, size, objectKey: object, executionId },
      ...{ createdAt, usedAt: createdAt },
    };
    const isWanted = packed.result().entries > 0;
    // Of two that save at once the first one stays.
    if (!isWanted || !(await this.records.insert(cache))) {
      await this.objects.delete(object);
      return { kind: isWanted ? 'there' : 'nothing' };
    }
    return { kind: 'saved', cache, evicted: await this.evict(pipelineId, id) };
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

  private async evict(pipelineId: string, kept: string): Promise<number> {
    const all = await this.records.leastUsed(pipelineId);
    let bytes = all.reduce((sum, { size }) => sum + size, 0);
    let evicted = 0;
    for (const cache of all) {
      if (bytes <= this.maxBytes) break;
      if (cache.id === kept) continue;
      await this.drop(cache);
      bytes -= cache.size;
      evicted += 1;
    }
    return evicted;
  }
}
