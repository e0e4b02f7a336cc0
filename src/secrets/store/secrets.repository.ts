import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry, type RetryOptions } from '../../integrations/database/database-retry.js';
import { SECRET_MODEL, type SecretDocument } from './secret.schema.js';
import type { SecretOwner, SecretScope } from './secret-owner.js';
import type { SecretRules } from './secret-rules.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** What is shown of a secret. */
export type SecretSummary = Omit<SecretDocument, 'value'>;

/** Which secrets a list holds; absent = whatever it is. */
export interface SecretFilter {
  readonly scope?: SecretScope;
  readonly ownerId?: string;
}

/** The collection `secrets`. */
@Injectable()
export class SecretsRepository {
  constructor(@InjectModel(SECRET_MODEL) private readonly secrets: Model<SecretDocument>) {}

  /**
   * Makes the secret, or gives it another value; who made it, and when, stays. So do rules that are
   * absent.
   */
  async put(secret: SecretDocument): Promise<SecretSummary> {
    const { _id, created_at, created_by, value, updated_at, updated_by, ...rest } = secret;
    const { events, protected: isProtected, ...fixed } = rest;
    const update = {
      $set: { value, updated_at, updated_by, ...named({ events, protected: isProtected }) },
      $setOnInsert: { ...fixed, created_at, created_by },
    };
    const write = (): Promise<SecretSummary> =>
      this.secrets
        .findOneAndUpdate({ _id }, update, {
          upsert: true,
          returnDocument: 'after',
          projection: { value: 0 },
        })
        .lean<SecretSummary>()
        .exec() as Promise<SecretSummary>;
    return databaseRetry(
      () =>
        write().catch((error: unknown) => {
          // Two made it at once: now it is there for both.
          if (isDuplicateKey(error)) return write();
          throw error;
        }),
      RETRY,
    );
  }

  /** Changes the rules that are there; the value stays. Undefined: there is no such secret. */
  async change(id: string, rules: Partial<SecretRules>): Promise<SecretSummary | undefined> {
    const found = await databaseRetry(
      () =>
        this.secrets
          .findOneAndUpdate(
            { _id: id },
            { $set: named(rules) },
            { returnDocument: 'after', projection: { value: 0 } },
          )
          .lean<SecretSummary>()
          .exec(),
      RETRY,
    );
    return found ?? undefined;
  }

  /** In the order of their ids: global ones first, then those of pipelines and repositories. */
  async list({ scope, ownerId }: SecretFilter, page: PageRequest): Promise<Page<SecretSummary>> {
    const filter = {
      ...(scope !== undefined && { scope }),
      ...(ownerId !== undefined && { owner_id: ownerId }),
      ...(page.after !== undefined && { _id: { $gt: page.after } }),
    };
    const rows = await databaseRetry(
      () =>
        this.secrets
          .find(filter)
          .select({ value: 0 })
          .sort({ _id: 1 })
          .limit(page.limit + 1)
          .lean<SecretSummary[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  /** Those of these ids that are there, with their values. */
  async find(ids: readonly string[], patience: RetryOptions): Promise<SecretDocument[]> {
    return databaseRetry(
      () =>
        this.secrets
          .find({ _id: { $in: [...ids] } })
          .lean<SecretDocument[]>()
          .exec(),
      patience,
    );
  }

  /** False: there was none. */
  async delete(id: string): Promise<boolean> {
    const { deletedCount } = await databaseRetry(
      () => this.secrets.deleteOne({ _id: id }).exec(),
      RETRY,
    );
    return deletedCount > 0;
  }

  async deleteOf(owner: Exclude<SecretOwner, { scope: 'global' }>): Promise<void> {
    await databaseRetry(
      () => this.secrets.deleteMany({ scope: owner.scope, owner_id: owner.id }).exec(),
      RETRY,
    );
  }
}

/** Without what is undefined, which the driver would store as null. */
function named({ events, protected: isProtected }: Partial<SecretRules>): Partial<SecretRules> {
  return {
    ...(events !== undefined && { events }),
    ...(isProtected !== undefined && { protected: isProtected }),
  };
}
