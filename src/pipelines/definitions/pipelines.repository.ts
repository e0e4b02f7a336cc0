import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { nameRecord } from '../../common/values/name-record.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { GroupedCall, type Outcome } from '../../integrations/database/grouped-call.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { requestRetry } from '../versions/pipelines.limits.js';
import {
  PIPELINE_MODEL,
  type PipelineDocument,
  type PipelineSettings,
  type PipelineSource,
} from './pipeline.schema.js';
import { fromStore, PIPELINE_TEXTS, type StoredPipeline, toStore } from './stored-pipeline.js';

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

/** A pipeline without its texts. */
export type PipelineHead = Omit<PipelineDocument, (typeof PIPELINE_TEXTS)[number]>;

/** What says when a pipeline starts by itself. */
export type ScheduledPipeline = Pick<PipelineDocument, '_id' | 'triggers' | 'updated_at'>;

/** What a new version changes of its pipeline. */
export type PipelineChange = Omit<PipelineDocument, '_id' | 'created_at' | keyof PipelineSettings>;

/** New settings; `null` takes one away. */
export interface SettingsChange {
  readonly enabled?: boolean;
  readonly description_override?: string | null;
}

/** One that lives in a repository. */
export type RepositoryPipeline = PipelineSummary & Required<Pick<PipelineDocument, 'source'>>;

/** What lists tell. */
const SUMMARY = {
  name: 1,
  description: 1,
  description_override: 1,
  enabled: 1,
  version: 1,
  created_at: 1,
  updated_at: 1,
} as const;

/** The collection `pipelines`. */
@Injectable()
export class PipelinesRepository {
  /** Each trigger reads one, so that a pipeline that was disabled is refused at once. */
  private readonly heads = new GroupedCall((ids: readonly string[]) => this.findHeads(ids));

  constructor(
    @InjectModel(PIPELINE_MODEL) private readonly pipelines: Model<StoredPipeline>,
    private readonly keyring: Keyring,
  ) {}

  /** Idempotent: the id is new, so a duplicate is the same document whose answer was lost. */
  async insert(pipeline: PipelineDocument): Promise<void> {
    const stored = toStore(this.keyring, pipeline._id, pipeline);
    await databaseRetry(async () => {
      try {
        await this.pipelines.insertOne(stored);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, requestRetry);
  }

  /** @throws MissingKeyError, BrokenSealError */
  async find(id: string): Promise<PipelineDocument | undefined> {
    const found = await databaseRetry(
      () => this.pipelines.findById(id).lean<StoredPipeline>().exec(),
      requestRetry,
    );
    return found ? fromStore(this.keyring, found) : undefined;
  }

  /** Without its texts: there is nothing to open, so this needs no key. */
  async findHead(id: string): Promise<PipelineHead | undefined> {
    return databaseRetry(() => this.heads.add(id), requestRetry);
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
          .select(SUMMARY)
          .sort({ _id: -1 })
          .limit(page.limit + 1)
          .lean<PipelineSummary[]>()
          .exec(),
      requestRetry,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  /** Those that live in a repository, newest first. */
  async listOfRepository(
    repositoryId: string,
    page: PageRequest,
  ): Promise<Page<RepositoryPipeline>> {
    const rows = await databaseRetry(
      () =>
        this.pipelines
          .find({
            'source.repository_id': repositoryId,
            ...(page.after !== undefined && { _id: { $lt: page.after } }),
          })
          .select({ ...SUMMARY, source: 1 })
          .sort({ _id: -1 })
          .limit(page.limit + 1)
          .lean<RepositoryPipeline[]>()
          .exec(),
      requestRetry,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  /** Makes a version the current one unless a later one is. Idempotent. */
  async advance(id: string, change: PipelineChange): Promise<void> {
    const older = { _id: id, version: { $lt: change.version } };
    await databaseRetry(
      () => this.pipelines.updateOne(older, currentUpdate(this.keyring, id, change)).exec(),
      requestRetry,
    );
  }

  /** Makes any version the current one: the file of a repository may go back to an earlier text. */
  async makeCurrent(id: string, change: PipelineChange, source: PipelineSource): Promise<void> {
    const { $set, ...rest } = currentUpdate(this.keyring, id, change);
    const update = { ...rest, $set: { ...$set, source } };
    await databaseRetry(() => this.pipelines.updateOne({ _id: id }, update).exec(), requestRetry);
  }

  /** All pipelines of a repository but those of these files are on no default branch any more. */
  async leaveBranch(repositoryId: string, paths: readonly string[]): Promise<void> {
    const gone = { 'source.repository_id': repositoryId, 'source.path': { $nin: paths } };
    await databaseRetry(
      () => this.pipelines.updateMany(gone, { $unset: { 'source.branch': '' } }).exec(),
      requestRetry,
    );
  }

  /** All whose current version has a schedule. */
  async scheduled(): Promise<ScheduledPipeline[]> {
    return databaseRetry(
      () =>
        this.pipelines
          .find({ 'triggers.trigger_type': 'schedule' })
          .select({ triggers: 1, updated_at: 1 })
          .sort({ _id: 1 })
          .lean<ScheduledPipeline[]>()
          .exec(),
      requestRetry,
    );
  }

  /** Of those that the API has stored, the ids of all with a rule for one of these events. */
  async idsWithTriggers(types: readonly string[]): Promise<string[]> {
    const rows = await databaseRetry(
      () =>
        this.pipelines
          .find({ source: null, 'triggers.trigger_type': { $in: types } })
          .select({ _id: 1 })
          .sort({ _id: 1 })
          .lean<{ _id: string }[]>()
          .exec(),
      requestRetry,
    );
    return rows.map(({ _id }) => _id);
  }

  /** Ids of pipelines with this name, oldest first. */
  async idsNamed(name: string, limit: number): Promise<string[]> {
    const rows = await databaseRetry(
      () =>
        this.pipelines
          .find({ name: { $eq: name } })
          .select({ _id: 1 })
          .sort({ _id: 1 })
          .limit(limit)
          .lean<{ _id: string }[]>()
          .exec(),
      requestRetry,
    );
    return rows.map(({ _id }) => _id);
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
      const now = await this.pipelines.findById(seen._id).lean<StoredPipeline>().exec();
      if (!now) return undefined;
      return matchedCount === 1 || now.last_change === id
        ? fromStore(this.keyring, now)
        : undefined;
    }, requestRetry);
  }

  /** By the driver: Mongoose's casting would cost more than the call. */
  private async findHeads(ids: readonly string[]): Promise<Outcome<PipelineHead | undefined>[]> {
    const { db, collection } = this.pipelines;
    const found = await db
      .collection<StoredPipeline>(collection.name)
      .find<PipelineHead>({ _id: { $in: [...new Set(ids)] } }, { projection: WITHOUT_TEXTS })
      .toArray();
    const heads = new Map(found.map((head) => [head._id, head]));
    return ids.map((id) => ({ result: heads.get(id) }));
  }

  /** Idempotent. */
  async delete(id: string): Promise<void> {
    await databaseRetry(() => this.pipelines.deleteOne({ _id: id }).exec(), requestRetry);
  }
}

function currentUpdate(
  keyring: Keyring,
  id: string,
  change: PipelineChange,
): {
  readonly $set: object;
  readonly $unset: Readonly<Record<string, ''>>;
} {
  const { description, ...set } = toStore(keyring, id, change);
  return description === undefined
    ? { $set: set, $unset: { ...NO_CLEAR_TEXTS, description: '' } }
    : { $set: { ...set, description }, $unset: NO_CLEAR_TEXTS };
}

/** Older versions of Millrace have stored them in clear. */
const NO_CLEAR_TEXTS = nameRecord(PIPELINE_TEXTS.map((name) => [name, ''] as const));
const WITHOUT_TEXTS = nameRecord(['sealed', ...PIPELINE_TEXTS].map((name) => [name, 0] as const));
