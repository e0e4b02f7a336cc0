import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { databaseRetry } from '../integrations/database/database-retry.js';
import { ExecutionTraceRecord, type StoredTrace } from './execution-trace.schema.js';
import type { Hold } from './executions.repository.js';

const SAVE_DEADLINE_MS = 15 * 60_000;
const READ_DEADLINE_MS = 3_000;

@Injectable()
export class ExecutionTracesRepository {
  constructor(
    @InjectModel(ExecutionTraceRecord.name) private readonly records: Model<ExecutionTraceRecord>,
  ) {}

  /** Idempotent: an attempt's traces replace what it stored before. */
  async save({ executionId, fence }: Hold, traces: readonly StoredTrace[]): Promise<void> {
    const _id = identity(executionId, fence);
    await databaseRetry(
      () => this.records.replaceOne({ _id }, { _id, traces: [...traces] }, { upsert: true }),
      { deadlineMs: SAVE_DEADLINE_MS },
    );
  }

  async find(executionId: string, fence: number): Promise<readonly StoredTrace[]> {
    const record = await databaseRetry(
      () => this.records.findById(identity(executionId, fence)).lean<ExecutionTraceRecord | null>(),
      { deadlineMs: READ_DEADLINE_MS },
    );
    return record?.traces ?? [];
  }
}

function identity(executionId: string, fence: number): string {
  return `${executionId}.${fence}`;
}
