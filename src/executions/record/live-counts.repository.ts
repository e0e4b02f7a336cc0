import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { LIVE } from './execution-lists.repository.js';
import { ExecutionRecord } from './execution.schema.js';

/** Executions of one status in one queue that are not over. */
export interface LiveCount {
  readonly status: RunStatus;
  readonly queue: string;
  readonly count: number;
  /** When the one that waits the longest was queued. */
  readonly oldest: Date;
}

/** Counts executions that are not over, for whoever watches the load. */
@Injectable()
export class LiveCountsRepository {
  constructor(
    @InjectModel(ExecutionRecord.name) private readonly executions: Model<ExecutionRecord>,
  ) {}

  /** One row for each status and queue that there is; by the index on the status. */
  async read(): Promise<LiveCount[]> {
    const groups = await this.executions.aggregate<{
      readonly _id: Pick<LiveCount, 'status' | 'queue'>;
      readonly count: number;
      readonly oldest: Date;
    }>([
      { $match: { status: { $in: [...LIVE] } } },
      {
        $group: {
          _id: { status: '$status', queue: '$queue' },
          count: { $sum: 1 },
          oldest: { $min: '$queued_at' },
        },
      },
    ]);
    return groups.map(({ _id, count, oldest }) => ({ ..._id, count, oldest }));
  }
}
