import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../common/http/paging.js';
import type { ForgeKind } from '../integrations/forge/forge-event.js';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import {
  REPOSITORY_MODEL,
  type RepositoryDocument,
  type RepositorySettings,
  type StoredProblem,
  type StoredWebhook,
} from './repository.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;
/** Of one kind of forge, so many servers may have a repository of the same id each. */
const MOST_OF_ONE_ID = 20;

/** What the forge says of a repository, and what a user changes. */
export type RepositoryChange = Partial<
  Pick<
    RepositoryDocument,
    'full_name' | 'clone_url' | 'web_url' | 'default_branch' | 'token' | 'api_url'
  > &
    RepositorySettings
>;

/** The collection `repositories`. */
@Injectable()
export class RepositoriesRepository {
  constructor(
    @InjectModel(REPOSITORY_MODEL) private readonly repositories: Model<RepositoryDocument>,
  ) {}

  /** False: it is connected already, and stays as it is. */
  async insert(repository: RepositoryDocument): Promise<boolean> {
    return databaseRetry(async () => {
      try {
        await this.repositories.insertOne(repository);
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return false;
      }
    }, RETRY);
  }

  async find(id: string): Promise<RepositoryDocument | undefined> {
    const found = await databaseRetry(
      () => this.repositories.findById(id).lean<RepositoryDocument>().exec(),
      RETRY,
    );
    return found ?? undefined;
  }

  async withRemoteId(forge: ForgeKind, remoteId: string): Promise<RepositoryDocument[]> {
    return databaseRetry(
      () =>
        this.repositories
          .find({ forge, remote_id: remoteId })
          .limit(MOST_OF_ONE_ID)
          .lean<RepositoryDocument[]>()
          .exec(),
      RETRY,
    );
  }

  /** Of all connections. */
  async cloneUrls(): Promise<Pick<RepositoryDocument, '_id' | 'clone_url'>[]> {
    return databaseRetry(
      () =>
        this.repositories
          .find({})
          .select({ clone_url: 1 })
          .sort({ _id: 1 })
          .lean<Pick<RepositoryDocument, '_id' | 'clone_url'>[]>()
          .exec(),
      RETRY,
    );
  }

  /** All of them, in the order of their ids. */
  async all(): Promise<RepositoryDocument[]> {
    return databaseRetry(
      () => this.repositories.find({}).sort({ _id: 1 }).lean<RepositoryDocument[]>().exec(),
      RETRY,
    );
  }

  /** In the order of their ids. */
  async list(page: PageRequest): Promise<Page<RepositoryDocument>> {
    const rows = await databaseRetry(
      () =>
        this.repositories
          .find(page.after === undefined ? {} : { _id: { $gt: page.after } })
          .sort({ _id: 1 })
          .limit(page.limit + 1)
          .lean<RepositoryDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  async change(id: string, change: RepositoryChange): Promise<void> {
    await this.update(id, { ...change, updated_at: new Date() });
  }

  /** Replaces the webhook if it still is the one that was seen. */
  async changeWebhook(
    seen: RepositoryDocument,
    webhook: StoredWebhook,
  ): Promise<RepositoryDocument | undefined> {
    const asSeen = { _id: seen._id, 'webhook.secret': seen.webhook.secret };
    const update = { $set: { webhook, updated_at: new Date() } };
    const found = await databaseRetry(
      () =>
        this.repositories
          .findOneAndUpdate(asSeen, update, { returnDocument: 'after' })
          .lean<RepositoryDocument>()
          .exec(),
      RETRY,
    );
    return found ?? undefined;
  }

  async webhookReached(id: string, at: Date): Promise<void> {
    await this.update(id, { 'webhook.reached_at': at });
  }

  async setProblem(id: string, problem: StoredProblem | null): Promise<void> {
    await this.update(id, { problem });
  }

  /** Idempotent. */
  async delete(id: string): Promise<void> {
    await databaseRetry(() => this.repositories.deleteOne({ _id: id }).exec(), RETRY);
  }

  private async update(id: string, set: Record<string, unknown>): Promise<void> {
    await databaseRetry(
      () => this.repositories.updateOne({ _id: id }, { $set: set }).exec(),
      RETRY,
    );
  }
}
