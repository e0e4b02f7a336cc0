import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { LRUCache } from 'lru-cache';
import { invalidCursor, pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { PIPELINE_VERSION_MODEL, type PipelineVersionDocument } from './pipeline-version.schema.js';
import { openedVersion, sealedVersion, type StoredVersion } from './sealed-version.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { requestRetry } from './pipelines.limits.js';

/** Characters of text that the versions in the cache of one process may have together. */
const CACHE_CHARACTERS = 32 * 1024 * 1024;

/** A version without its texts, for lists. */
export type VersionSummary = Pick<
  PipelineVersionDocument,
  'number' | 'name' | 'plan_hash' | 'created_by' | 'created_at'
>;

/** The collection `pipeline_versions`: inserted once, never changed. Texts lie there sealed. */
@Injectable()
export class PipelineVersionsRepository {
  private readonly cache = new LRUCache<string, PipelineVersionDocument>({
    maxSize: CACHE_CHARACTERS,
  });

  constructor(
    @InjectModel(PIPELINE_VERSION_MODEL) private readonly versions: Model<StoredVersion>,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Inserts a version. Idempotent: the answer is the version that has this number now, which is
   * another one when somebody else was first.
   */
  async insert(version: PipelineVersionDocument): Promise<PipelineVersionDocument> {
    const sealed = sealedVersion(this.keyring, version);
    return databaseRetry(async () => {
      try {
        await this.versions.insertOne(sealed);
        return version;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const winner = await this.versions.findById(version._id).lean<StoredVersion>().exec();
        if (!winner) throw error;
        return openedVersion(this.keyring, winner);
      }
    }, requestRetry);
  }

  async find(pipelineId: string, number: number): Promise<PipelineVersionDocument | undefined> {
    const id = versionId(pipelineId, number);
    const cached = this.cache.get(id);
    if (cached) return cached;
    const stored = await databaseRetry(
      () => this.versions.findById(id).lean<StoredVersion>().exec(),
      requestRetry,
    );
    if (!stored) return undefined;
    const found = openedVersion(this.keyring, stored);
    const size = found.yaml_content.length + found.definition.length;
    this.cache.set(id, found, { size });
    return found;
  }

  /** The first version with this text. */
  async findText(pipelineId: string, hash: string): Promise<PipelineVersionDocument | undefined> {
    const [found] = await databaseRetry(
      () =>
        this.versions
          .find({ pipeline_id: pipelineId, text_hash: hash })
          .sort({ number: 1 })
          .limit(1)
          .lean<StoredVersion[]>()
          .exec(),
      requestRetry,
    );
    return found && openedVersion(this.keyring, found);
  }

  /** 0: there is none. */
  async newestNumber(pipelineId: string): Promise<number> {
    const [found] = await databaseRetry(
      () =>
        this.versions
          .find({ pipeline_id: pipelineId })
          .select({ number: 1 })
          .sort({ pipeline_id: -1, number: -1 })
          .limit(1)
          .lean<{ number: number }[]>()
          .exec(),
      requestRetry,
    );
    return found?.number ?? 0;
  }

  /**
   * Newest first, none above `newest`: a version that was inserted but not yet made current is not
   * there.
   */
  async list(pipelineId: string, newest: number, page: PageRequest): Promise<Page<VersionSummary>> {
    const after = page.after === undefined ? newest + 1 : Number(page.after);
    if (!Number.isSafeInteger(after)) throw invalidCursor();
    const rows = await databaseRetry(
      () =>
        this.versions
          .find({ pipeline_id: pipelineId, number: { $lte: newest, $lt: after } })
          .select({ number: 1, name: 1, plan_hash: 1, created_by: 1, created_at: 1 })
          .sort({ pipeline_id: -1, number: -1 })
          .limit(page.limit + 1)
          .lean<VersionSummary[]>()
          .exec(),
      requestRetry,
    );
    return pageOf(rows, page.limit, (row) => String(row.number));
  }

  /** Idempotent. */
  async deleteAll(pipelineId: string): Promise<void> {
    await databaseRetry(
      () => this.versions.deleteMany({ pipeline_id: pipelineId }).exec(),
      requestRetry,
    );
  }
}

export function versionId(pipelineId: string, number: number): string {
  return `${pipelineId}:${number}`;
}
