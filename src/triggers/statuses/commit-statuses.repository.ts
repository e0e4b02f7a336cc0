import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { COMMIT_STATUS_MODEL, type CommitStatusDocument } from './commit-status.schema.js';

const RETRY = { deadlineMs: 5000 } as const;
const MOST_OF_A_COMMIT = 1000;

export type WantedStatus = Pick<
  CommitStatusDocument,
  'repository_id' | 'commit' | 'context' | 'execution_id' | 'fixed'
>;

/** The collection `commit_statuses`. */
@Injectable()
export class CommitStatusesRepository {
  constructor(
    @InjectModel(COMMIT_STATUS_MODEL) private readonly statuses: Model<CommitStatusDocument>,
  ) {}

  /**
   * Sends the forge the status of an execution, instead of an older one of the same pipeline, event
   * and commit; of an older one than is there nothing is sent any more. Idempotent.
   */
  async want(wanted: WantedStatus): Promise<void> {
    const { repository_id, commit, context, execution_id } = wanted;
    const id = `${repository_id}:${commit}:${context}`;
    const fresh = { ...wanted, sent: null, done: false, due: new Date(), tries: 0, problem: null };
    await databaseRetry(async () => {
      try {
        await this.statuses.insertOne({ _id: id, ...fresh });
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      // Ids of executions rise with time.
      const older =
        execution_id === null
          ? { _id: id, execution_id: null }
          : { _id: id, $or: [{ execution_id: null }, { execution_id: { $lt: execution_id } }] };
      await this.statuses.updateOne(older, { $set: fresh }).exec();
    }, RETRY);
  }

  /** Of every pipeline and kind of event. */
  async ofCommit(repositoryId: string, commit: string): Promise<CommitStatusDocument[]> {
    const prefix = `${repositoryId}:${commit}:`;
    return databaseRetry(
      () =>
        this.statuses
          .find({ _id: { $gte: prefix, $lt: `${prefix}\u{10ffff}` } })
          .limit(MOST_OF_A_COMMIT)
          .lean<CommitStatusDocument[]>()
          .exec(),
      RETRY,
    );
  }

  /** Those that are due, the longest first. */
  async due(limit: number): Promise<CommitStatusDocument[]> {
    return databaseRetry(
      () =>
        this.statuses
          .find({ done: false, due: { $lte: new Date() } })
          .sort({ due: 1 })
          .limit(limit)
          .lean<CommitStatusDocument[]>()
          .exec(),
      RETRY,
    );
  }

  /** Takes one for `ms`, so that no other process looks at it; false: another one has it. */
  async claim({ _id, due, execution_id }: CommitStatusDocument, ms: number): Promise<boolean> {
    const { modifiedCount } = await databaseRetry(
      () =>
        this.statuses
          .updateOne({ _id, due, execution_id }, { $set: { due: new Date(Date.now() + ms) } })
          .exec(),
      RETRY,
    );
    return modifiedCount === 1;
  }

  /** Notes what came of one that was claimed, unless a newer execution is wanted by now. */
  async note(
    { _id, execution_id }: CommitStatusDocument,
    change: Partial<Pick<CommitStatusDocument, 'sent' | 'done' | 'due' | 'tries' | 'problem'>>,
  ): Promise<void> {
    await databaseRetry(
      () => this.statuses.updateOne({ _id, execution_id }, { $set: change }).exec(),
      RETRY,
    );
  }
}
