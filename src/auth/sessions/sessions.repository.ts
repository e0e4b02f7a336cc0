import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { SESSION_MODEL, type SessionDocument } from './session.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;

/** The next refresh token of a session. */
export type Rotation = Pick<
  SessionDocument,
  'secret_hash' | 'generation' | 'rotations' | 'used_at' | 'expires_at'
>;

/** The collection `sessions`. */
@Injectable()
export class SessionsRepository {
  constructor(@InjectModel(SESSION_MODEL) private readonly sessions: Model<SessionDocument>) {}

  async insert(session: SessionDocument): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.sessions.insertOne(session);
      } catch (error) {
        // Its id is new: an earlier try of this very call has done it.
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }

  async find(id: string): Promise<SessionDocument | undefined> {
    return databaseRetry(
      async () => (await this.sessions.findById(id).lean<SessionDocument>().exec()) ?? undefined,
      RETRY,
    );
  }

  /** False: the refresh token that was seen is not the one of the session any more. */
  async rotate(seen: SessionDocument, next: Rotation): Promise<boolean> {
    const { _id, generation, secret_hash } = seen;
    return this.set({ _id, generation, secret_hash, ended_at: null }, { ...next });
  }

  async touch(id: string, times: Pick<SessionDocument, 'used_at' | 'expires_at'>): Promise<void> {
    await this.set({ _id: id, ended_at: null }, { ...times });
  }

  /** Idempotent: the first end stays. False: it was over. */
  async end(id: string, reason: string): Promise<boolean> {
    return this.set({ _id: id, ended_at: null }, { ended_at: new Date(), end_reason: reason });
  }

  async endAll(userId: string, reason: string): Promise<void> {
    await databaseRetry(
      () =>
        this.sessions
          .updateMany(
            { user_id: userId, ended_at: null },
            { $set: { ended_at: new Date(), end_reason: reason } },
          )
          .exec(),
      RETRY,
    );
  }

  /** Those that are good now, in the order in which they were made. */
  async list(
    userId: string,
    userGeneration: number,
    page: PageRequest,
  ): Promise<Page<SessionDocument>> {
    const filter = {
      user_id: userId,
      ...(page.after !== undefined && { _id: { $gt: page.after } }),
      user_generation: userGeneration,
      ended_at: null,
      expires_at: { $gt: new Date() },
    };
    const rows = await databaseRetry(
      () =>
        this.sessions
          .find(filter)
          .sort({ user_id: 1, _id: 1 })
          .limit(page.limit + 1)
          .lean<SessionDocument[]>()
          .exec(),
      RETRY,
    );
    return pageOf(rows, page.limit, (row) => row._id);
  }

  async deleteExpiredBefore(time: Date): Promise<number> {
    const { deletedCount } = await this.sessions.deleteMany({ expires_at: { $lt: time } }).exec();
    return deletedCount;
  }

  private async set(
    filter: Readonly<Record<string, unknown>>,
    change: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    const { matchedCount } = await databaseRetry(
      () => this.sessions.updateOne(filter, { $set: change }).exec(),
      RETRY,
    );
    return matchedCount === 1;
  }
}
