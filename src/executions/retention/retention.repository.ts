import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { ENDED } from '../record/execution-lists.repository.js';
import { ExecutionRecord } from '../record/execution.schema.js';

/** What a removal needs of an execution. */
export type OldExecution = Pick<ExecutionRecord, '_id' | 'status' | 'attempt' | 'finished_at'>;

const OLD = { _id: 1, status: 1, attempt: 1, finished_at: 1 } as const;
const over = { $in: [...ENDED] };

/** Which executions retention may remove, and their removal. */
@Injectable()
export class RetentionRepository {
  private readonly executions: Collection<ExecutionRecord>;

  constructor(@InjectModel(ExecutionRecord.name) model: Model<ExecutionRecord>) {
    this.executions = model.db.collection<ExecutionRecord>(model.collection.name);
  }

  /**
   * Executions that ended before `endedBefore`, oldest first. Nothing ends before it is accepted,
   * so ids bound the search.
   */
  async aged(endedBefore: Date, limit: number): Promise<OldExecution[]> {
    return this.old(
      {
        _id: { $lt: firstUuidAt(endedBefore.getTime()) },
        status: over,
        finished_at: { $lt: endedBefore },
      },
      limit,
    );
  }

  /** The finished execution of a pipeline that `count` newer ones stand before. */
  async firstSurplus(pipelineId: string, count: number): Promise<string | undefined> {
    const first = await this.executions.findOne(
      { pipeline_id: pipelineId, status: over },
      { projection: { _id: 1 }, sort: { _id: -1 }, skip: count },
    );
    return first?._id;
  }

  /**
   * Finished executions of a pipeline from `newest` back, that ended before `endedBefore`, oldest
   * first.
   */
  async surplus(
    pipelineId: string,
    newest: string,
    endedBefore: Date,
    limit: number,
  ): Promise<OldExecution[]> {
    return this.old(
      {
        pipeline_id: pipelineId,
        _id: { $lte: newest },
        status: over,
        finished_at: { $lt: endedBefore },
      },
      limit,
    );
  }

  /** Only what is over goes, whatever the ids say. Resolves with how many went. Idempotent. */
  async remove(ids: readonly string[]): Promise<number> {
    const { deletedCount } = await this.executions.deleteMany({
      _id: { $in: [...ids] },
      status: over,
    });
    return deletedCount;
  }

  async oldest(): Promise<string | undefined> {
    const first = await this.executions.findOne({}, { projection: { _id: 1 }, sort: { _id: 1 } });
    return first?._id;
  }

  async exists(id: string): Promise<boolean> {
    const options = { projection: { _id: 1 } };
    return (await this.executions.findOne({ _id: id }, options)) !== null;
  }

  private async old(filter: Filter, limit: number): Promise<OldExecution[]> {
    return this.executions.find(filter, { projection: OLD, sort: { _id: 1 }, limit }).toArray();
  }
}

type Filter = Parameters<Collection<ExecutionRecord>['find']>[0];
