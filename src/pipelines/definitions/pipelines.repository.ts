import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { requestRetry } from '../versions/pipelines.limits.js';
import { PIPELINE_MODEL, type PipelineDocument, type PipelineSettings } from './pipeline.schema.js';
import { fromStore, toStore } from './stored-names.js';

/** A pipeline without what only its own page shows. */
export type PipelineSummary = Pick<
  PipelineDocument,
  | '_id'
  | 'name'
  | 'description'
  | 'description_override'
  | 'enabled'
  | 'version'
  | 'created_at'
  | 'updated_at'
>;

/** What a new version changes of its pipeline. */
export type PipelineChange = Omit<PipelineDocument, '_id' | 'created_at' | keyof PipelineSettings>;

/** New settings; `null` takes one away. */
export interface SettingsChange {
  readonly enabled?: boolean;
  readonly description_override?: string | null;
}

/** The collection `pipelines`. */
@Injectable()
export class PipelinesRepository {
  constructor(@InjectModel(PIPELINE_MODEL) private readonly pipelines: Model<PipelineDocument>) {}

  /** Idempotent: the id is new, so a duplicate is the same document whose answer was lost. */
  async insert(pipeline: PipelineDocument): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.pipelines.insertOne(toStore(pipeline));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, requestRetry);
  }

  async find(id: string): Promise<PipelineDocument | undefined> {
    const found = await databaseRetry(
      () => this.pipelines.findById(id).lean<PipelineDocument>().exec(),
      requestRetry,
    );
    return found ? fromStore(found) : undefined;
  }

  async exists(id: string): Promise<boolean> {
    const found = await databaseRetry(
      () => this.pipelines.exists({ _id: id }).exec(),
      requestRetry,
    );
    return found !== null;
  }

  /** Newest first. */
  async list(page: PageRequest): Promise<Page<PipelineSummary>> {
    const rows = await databaseRetry(
      () =>
        this.pipelines
          .find(page.after === undefined ? {} : { _id: { $lt: page.after } })
          .select({
            name: 1,
            description: 1,
            description_override: 1,
            enabled: 1,
            version: 1,
            created_at: 1,
            updated_at: 1,
          })
          .sort({ _id: -1 })
          .limit(page.limit + 1)
          .lean<PipelineSummary[]>()
          .exec(),
      requestRetry,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  /** Makes a version the current one unless a later one is. Idempotent. */
  async advance(id: string, change: PipelineChange): Promise<void> {
    const { description, ...set } = toStore(change);
    const update =
      description === undefined
        ? { $set: set, $unset: { description: '' } }
        : { $set: { ...set, description } };
    await databaseRetry(
      () => this.pipelines.updateOne({ _id: id, version: { $lt: change.version } }, update).exec(),
      requestRetry,
    );
  }

  /**
   * Changes settings of a pipeline that is still as it was seen. Returns it as it is then;
   * undefined: it has changed, or is gone.
   */
  async changeSettings(
    seen: PipelineDocument,
    change: SettingsChange,
  ): Promise<PipelineDocument | undefined> {
    const { description_override: description, ...rest } = change;
    const id = uuidV7();
    const changes = (seen.changes ?? 0) + 1;
    const set = { ...rest, changes, last_change: id, updated_at: new Date() };
    const update =
      description === null
        ? { $set: set, $unset: { description_override: '' } }
        : { $set: description === undefined ? set : { ...set, description_override: description } };
    // `null` finds what has no such field yet.
    const asSeen = { _id: seen._id, version: seen.version, changes: seen.changes ?? null };
    return databaseRetry(async () => {
      const { matchedCount } = await this.pipelines.updateOne(asSeen, update).exec();
      const now = await this.pipelines.findById(seen._id).lean<PipelineDocument>().exec();
      if (!now) return undefined;
      return matchedCount === 1 || now.last_change === id ? fromStore(now) : undefined;
    }, requestRetry);
  }

  /** Idempotent. */
  async delete(id: string): Promise<void> {
    await databaseRetry(() => this.pipelines.deleteOne({ _id: id }).exec(), requestRetry);
  }
}
