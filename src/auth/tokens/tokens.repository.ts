import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { TOKEN_MODEL, type TokenDocument, type TokenOwnerKind } from './token.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** Whose tokens: those of earlier generations are over. */
export type TokenOwner = Pick<TokenDocument, 'owner_kind' | 'owner_id' | 'owner_generation'>;

/** The collection `tokens`. */
@Injectable()
export class TokensRepository {
  constructor(@InjectModel(TOKEN_MODEL) private readonly tokens: Model<TokenDocument>) {}

  async insert(token: TokenDocument): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.tokens.insertOne(token);
      } catch (error) {
        // Its id is new: an earlier try of this very call has done it.
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }

  async find(id: string): Promise<TokenDocument | undefined> {
    return databaseRetry(
      async () => (await this.tokens.findById(id).lean<TokenDocument>().exec()) ?? undefined,
      RETRY,
    );
  }

  async touch(id: string, at: Date): Promise<void> {
    await databaseRetry(
      () => this.tokens.updateOne({ _id: id }, { $set: { used_at: at } }).exec(),
      RETRY,
    );
  }

  /** Idempotent. False: the owner has no such token. */
  async revoke(ownerKind: TokenOwnerKind, ownerId: string, id: string): Promise<boolean> {
    const mine = { _id: id, owner_kind: ownerKind, owner_id: ownerId };
    return databaseRetry(async () => {
      await this.tokens
        .updateOne({ ...mine, revoked_at: null }, { $set: { revoked_at: new Date() } })
        .exec();
      return (await this.tokens.findOne(mine).lean().exec()) !== null;
    }, RETRY);
  }

  /** Those that are good now. */
  async count(owner: TokenOwner): Promise<number> {
    return databaseRetry(() => this.tokens.countDocuments(goodOnes(owner)).exec(), RETRY);
  }

  /** Those that are good now, in the order in which they were made. */
  async list(owner: TokenOwner, page: PageRequest): Promise<Page<TokenDocument>> {
    const rows = await databaseRetry(
      () =>
        this.tokens
          .find({
            ...goodOnes(owner),
            ...(page.after !== undefined && { _id: { $gt: page.after } }),
          })
          .sort({ owner_id: 1, _id: 1 })
          .limit(page.limit + 1)
          .lean<TokenDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  async deleteExpiredBefore(time: Date): Promise<number> {
    const { deletedCount } = await this.tokens.deleteMany({ expires_at: { $lt: time } }).exec();
    return deletedCount;
  }
}

function goodOnes(owner: TokenOwner): Readonly<Record<string, unknown>> {
  return { ...owner, revoked_at: null, expires_at: { $gt: new Date() } };
}
