import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { USER_MODEL, type UserDocument } from './user.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** What a log-in, or a later look at the forge, says of an account. */
export type UserFacts = Partial<
  Pick<UserDocument, 'login' | 'name' | 'is_admin' | 'forge_tokens' | 'checked_at'>
>;

/** The collection `users`. Every change asks for the generation that was seen. */
@Injectable()
export class UsersRepository {
  constructor(@InjectModel(USER_MODEL) private readonly users: Model<UserDocument>) {}

  async find(id: string): Promise<UserDocument | undefined> {
    return databaseRetry(
      async () => (await this.users.findById(id).lean<UserDocument>().exec()) ?? undefined,
      RETRY,
    );
  }

  /** Of several forges there may be several. At most ten. */
  async withLogin(login: string): Promise<readonly UserDocument[]> {
    return databaseRetry(
      () => this.users.find({ login }).sort({ _id: 1 }).limit(10).lean<UserDocument[]>().exec(),
      RETRY,
    );
  }

  /** Inserts an account, or brings the one that is there up to date; gives what is stored then. */
  async save(user: UserDocument, facts: UserFacts): Promise<UserDocument | undefined> {
    await databaseRetry(async () => {
      try {
        await this.users.insertOne(user);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        await this.users
          .updateOne({ _id: user._id }, { $set: { ...facts, updated_at: user.updated_at } })
          .exec();
      }
    }, RETRY);
    return this.find(user._id);
  }

  /** False: it is not as it was seen. */
  async learn({ _id, generation }: UserDocument, facts: UserFacts): Promise<boolean> {
    return this.set({ _id, generation }, facts);
  }

  /** Puts new tokens of the forge in the place of those that were seen. */
  async replaceForgeTokens(user: UserDocument, sealed: string): Promise<boolean> {
    return this.set({ _id: user._id, forge_tokens: user.forge_tokens }, { forge_tokens: sealed });
  }

  /** Role and block, and with `ends` the end of all sessions and personal tokens. */
  async change(
    { _id, generation }: UserDocument,
    change: Partial<Pick<UserDocument, 'role' | 'blocked_at'>>,
    ends: boolean,
  ): Promise<boolean> {
    const next = ends ? { ...change, generation: generation + 1 } : change;
    return this.set({ _id, generation }, next);
  }

  /** Ends all sessions and personal tokens. */
  async end({ _id, generation }: UserDocument): Promise<boolean> {
    return this.set({ _id, generation }, { generation: generation + 1, forge_tokens: null });
  }

  /** In the order of their ids. */
  async list(page: PageRequest): Promise<Page<UserDocument>> {
    const rows = await databaseRetry(
      () =>
        this.users
          .find(page.after === undefined ? {} : { _id: { $gt: page.after } })
          .sort({ _id: 1 })
          .limit(page.limit + 1)
          .lean<UserDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  private async set(
    filter: Readonly<Record<string, unknown>>,
    change: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () => this.users.updateOne(filter, { $set: { ...change, updated_at: new Date() } }).exec(),
      RETRY,
    );
    return matchedCount === 1;
  }
}
