import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Cache } from './cache.js';
import { CacheRecords } from './cache-records.js';
import { CACHE_MODEL, type CacheDocument } from './cache.schema.js';

const DEADLINE = { deadlineMs: 3_000 };
/** Of one pipeline; its limit of bytes keeps them far fewer. */
const MOST = 10_000;

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

  async latest(pipelineId: string, scope: string, prefix: string): Promise<Cache | undefined> {
    const all = await this.ofPipeline(pipelineId, -1);
    return all.find((cache) => cache.scope === scope && cache.key.startsWith(prefix));
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

  async remove(id: string): Promise<void> {
    await databaseRetry(() => this.caches.deleteOne({ _id: id }), DEADLINE);
  }

  leastUsed(pipelineId: string): Promise<Cache[]> {
    return this.ofPipeline(pipelineId, 1, 'used_at');
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

  private async ofPipeline(
    pipelineId: string,
    direction: 1 | -1,
    order: 'created_at' | 'used_at' = 'created_at',
  ): Promise<Cache[]> {
    const rows = await databaseRetry(
      () =>
        this.caches
          .find({ pipeline_id: pipelineId })
          .sort({ [order]: direction })
          .limit(MOST)
          .toArray(),
      DEADLINE,
    );
    return rows.map((row) => cacheOf(row as CacheDocument));
  }
}

function documentOf(cache: Cache): CacheDocument {
  const { id, scope, key, size } = cache;
  return {
    ...{ _id: id, scope, key, size },
    pipeline_id: cache.pipelineId,
    object_key: cache.objectKey,
    execution_id: cache.executionId,
    created_at: cache.createdAt,
    used_at: cache.usedAt,
  };
}

function cacheOf(document: CacheDocument): Cache {
  const { _id: id, scope, key, size } = document;
  return {
    ...{ id, scope, key, size },
    pipelineId: document.pipeline_id,
    objectKey: document.object_key,
    executionId: document.execution_id,
    createdAt: document.created_at,
    usedAt: document.used_at,
  };
}
