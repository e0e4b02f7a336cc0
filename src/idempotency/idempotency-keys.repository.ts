import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { databaseRetry, type RetryOptions } from '../integrations/database/database-retry.js';
import {
  IDEMPOTENCY_KEY_MODEL,
  type IdempotencyKeyDocument,
  type StoredAnswer,
} from './idempotency-key.schema.js';

/** How long a request keeps trying while the database is away, before it is answered by 503. */
const requestRetry: RetryOptions = { deadlineMs: 3_000 };

/**
 * The collection `idempotency_keys`. Every call is idempotent: moves ask for the holder that they
 * take the key from.
 */
@Injectable()
export class IdempotencyKeysRepository {
  constructor(
    @InjectModel(IDEMPOTENCY_KEY_MODEL) private readonly keys: Model<IdempotencyKeyDocument>,
  ) {}

  /**
   * Inserts the document unless there is one. Returns what is there then; undefined: it went away
   * meanwhile.
   */
  async insert(key: IdempotencyKeyDocument): Promise<IdempotencyKeyDocument | undefined> {
    return databaseRetry(async () => {
      try {
        await this.keys.insertOne(key);
        return key;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return this.find(key._id);
      }
    }, requestRetry);
  }

  /** Puts a new document in the place of one that is as it was seen. False: it is not any more. */
  async replace(seen: IdempotencyKeyDocument, next: IdempotencyKeyDocument): Promise<boolean> {
    const { _id, ...set } = next;
    return this.move({ _id, holder: seen.holder }, { $set: set }, next.holder);
  }

  /** Gives an unanswered key to another holder. False: it was answered or taken meanwhile. */
  async takeOver(
    { _id, holder: before }: IdempotencyKeyDocument,
    holder: string,
    heldUntil: Date,
  ): Promise<boolean> {
    const set = { holder, held_until: heldUntil, repeated: true };
    return this.move({ _id, holder: before, answer: null }, { $set: set }, holder);
  }

  /** Keeps the answer; the first one stays. */
  async answer(id: string, resourceId: string, answer: StoredAnswer): Promise<void> {
    const unanswered = { _id: id, resource_id: resourceId, answer: null };
    await databaseRetry(
      () => this.keys.updateOne(unanswered, { $set: { answer } }).exec(),
      requestRetry,
    );
  }

  /** The next request may have the key at once. */
  async release(id: string, holder: string): Promise<void> {
    await databaseRetry(
      () => this.keys.updateOne({ _id: id, holder }, { $set: { held_until: new Date(0) } }).exec(),
      requestRetry,
    );
  }

  async delete(id: string, holder: string): Promise<void> {
    await databaseRetry(
      () => this.keys.deleteOne({ _id: id, holder, answer: null }).exec(),
      requestRetry,
    );
  }

  async deleteOlderThan(time: Date): Promise<number> {
    const { deletedCount } = await this.keys.deleteMany({ created_at: { $lt: time } }).exec();
    return deletedCount;
  }

  private async move(
    filter: Readonly<Record<string, unknown>>,
    update: Readonly<Record<string, unknown>>,
    holder: string,
  ): Promise<boolean> {
    return databaseRetry(async () => {
      const { matchedCount } = await this.keys.updateOne(filter, update).exec();
      if (matchedCount === 1) return true;
      // An earlier try of this very call may have done it.
      return (await this.find(String(filter['_id'])))?.holder === holder;
    }, requestRetry);
  }

  private async find(id: string): Promise<IdempotencyKeyDocument | undefined> {
    return (await this.keys.findById(id).lean<IdempotencyKeyDocument>().exec()) ?? undefined;
  }
}
