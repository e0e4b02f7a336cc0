import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { type Cache, type CacheShare, TRUSTED } from './cache.js';
import { type CacheFamily, CacheRecords } from './cache-records.js';
import { CACHE_MODEL, type CacheDocument } from './cache.schema.js';

const DEADLINE = { deadlineMs: 3_000 };
/** No text comes after it in the order of the database: that of the bytes in UTF-8. */
const LAST = '\u{10ffff}';

/** `caches`: one document for each. */
@Injectable()
export class CachesRepository extends CacheRecords {
  private readonly caches: Collection<CacheDocument>;

  constructor(@InjectModel(CACHE_MODEL) model: Model<CacheDocument>) {
    super();
    this.caches = model.db.collection<CacheDocument>(model.collection.name);
  }

  async find(id: string): Promise<Cache | undefined> {
    const found = await databaseRetry(() => this.caches.findOne({ _id: id }), DEADLINE);
    return found === null ? undefined : cacheOf(found);
  }

  async latest(
    { pipelineId, scope, paths }: CacheFamily,
    prefix: string,
  ): Promise<Cache | undefined> {
    // A range, and no pattern: that is what the index serves.
    const key = { $gte: prefix, $lt: `${prefix}${LAST}` };
    const found = await databaseRetry(
      () =>
        this.caches
          .find({ pipeline_id: pipelineId, scope, paths, key })
          .sort({ created_at: -1 })
          .limit(1)
          .next(),
      DEADLINE,
    );
    return found === null ? undefined : cacheOf(found);
  }

  async insert(cache: Cache): Promise<boolean> {
    return databaseRetry(async () => {
      try {
        await this.caches.insertOne(documentOf(cache));
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // An answer that was lost is asked for again: what is there may be of the call before.
        const known = await this.caches.findOne({ _id: cache.id });
        return known?.object_key === cache.objectKey;
      }
    }, DEADLINE);
  }

  async touch(id: string, usedAt: Date): Promise<void> {
    await databaseRetry(
      () => this.caches.updateOne({ _id: id }, { $set: { used_at: usedAt } }),
      DEADLINE,
    );
  }

  async remove({ id, objectKey }: Pick<Cache, 'id' | 'objectKey'>): Promise<void> {
    await databaseRetry(() => this.caches.deleteOne({ _id: id, object_key: objectKey }), DEADLINE);
  }

  async bytesOf(pipelineId: string, share: CacheShare): Promise<number> {
    const [sum] = await databaseRetry(
      () =>
        this.caches
          .aggregate<{ bytes: number }>([
            { $match: { pipeline_id: pipelineId, scope: scopeIn(share) } },
            { $group: { _id: null, bytes: { $sum: '$size' } } },
          ])
          .toArray(),
      DEADLINE,
    );
    return sum?.bytes ?? 0;
  }

  async leastUsed(pipelineId: string, share: CacheShare, limit: number): Promise<Cache[]> {
    const rows = await databaseRetry(
      () =>
        this.caches
          .find({ pipeline_id: pipelineId, scope: scopeIn(share) })
          .sort({ used_at: 1 })
          .limit(limit)
          .toArray(),
      DEADLINE,
    );
    return rows.map((row) => cacheOf(row as CacheDocument));
  }

  /** By their ids, and so by pipelines. */
  async list(pipelineId: string | undefined, page: PageRequest): Promise<Page<Cache>> {
    const filter = {
      ...(pipelineId !== undefined && { pipeline_id: pipelineId }),
      ...(page.after !== undefined && { _id: { $gt: page.after } }),
    };
    const rows = await databaseRetry(
      () =>
        this.caches
          .find(filter)
          .sort({ _id: 1 })
          .limit(page.limit + 1)
          .toArray(),
      DEADLINE,
    );
    return pageOf(
      rows.map((row) => cacheOf(row as CacheDocument)),
      page.limit,
      ({ id }) => id,
    );
  }

  async unused(since: Date, limit: number): Promise<Cache[]> {
    const rows = await databaseRetry(
      () =>
        this.caches
          .find({ used_at: { $lt: since } })
          .sort({ used_at: 1 })
          .limit(limit)
          .toArray(),
      DEADLINE,
    );
    return rows.map((row) => cacheOf(row as CacheDocument));
  }

  async objectsOf(keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const rows = await databaseRetry(
      () =>
        this.caches
          .find({ object_key: { $in: [...keys] } })
          .project<Pick<CacheDocument, 'object_key'>>({ object_key: 1 })
          .toArray(),
      DEADLINE,
    );
    return new Set(rows.map(({ object_key: key }) => key));
  }
}

function scopeIn(share: CacheShare) {
  return share === 'trusted' ? { $eq: TRUSTED } : { $ne: TRUSTED };
}

function documentOf(cache: Cache): CacheDocument {
  const { id, scope, paths, key, size, digest } = cache;
  return {
    ...{ _id: id, scope, paths, key, size, digest },
    pipeline_id: cache.pipelineId,
    object_key: cache.objectKey,
    execution_id: cache.executionId,
    created_at: cache.createdAt,
    used_at: cache.usedAt,
  };
}

function cacheOf(document: CacheDocument): Cache {
  const { _id: id, scope, paths, key, size, digest } = document;
  return {
    ...{ id, scope, paths, key, size, digest },
    pipelineId: document.pipeline_id,
    objectKey: document.object_key,
    executionId: document.execution_id,
    createdAt: document.created_at,
    usedAt: document.used_at,
  };
}
