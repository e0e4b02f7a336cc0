import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import type { WhenTrace } from '../../engine/plan/run-state.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import {
  ExecutionTraceRecord,
  type StoredTrace,
  type StoredTraceText,
} from './execution-trace.schema.js';
import type { Hold } from './execution-moves.js';

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
      () => this.records.replaceOne({ _id }, { _id, traces: traces.map(toText) }, { upsert: true }),
      { deadlineMs: SAVE_DEADLINE_MS },
    );
  }

  async find(executionId: string, fence: number): Promise<readonly StoredTrace[]> {
    const record = await databaseRetry(
      () => this.records.findById(identity(executionId, fence)).lean<ExecutionTraceRecord | null>(),
      { deadlineMs: READ_DEADLINE_MS },
    );
    return record?.traces.map(fromText) ?? [];
  }

  /** Of executions whose number of attempts is known. Idempotent. */
  async deleteAttempts(
    executions: readonly { readonly id: string; readonly attempts: number }[],
  ): Promise<void> {
    const ids = executions.flatMap(({ id, attempts }) =>
      Array.from({ length: attempts }, (_item, index) => identity(id, index + 1)),
    );
    await databaseRetry(() => this.records.deleteMany({ _id: { $in: ids } }), {
      deadlineMs: READ_DEADLINE_MS,
    });
  }

  /** Deletes all traces of an execution, whatever else is known of it. Idempotent. */
  async deleteExecution(executionId: string): Promise<void> {
    // `/` is what follows `.`.
    const _id = { $gt: `${executionId}.`, $lt: `${executionId}/` };
    await databaseRetry(() => this.records.deleteMany({ _id }), { deadlineMs: READ_DEADLINE_MS });
  }

  /**
   * The first execution, in the order of ids, of which there are traces, if it is below `before`.
   */
  async firstExecution(before: string): Promise<string | undefined> {
    const record = await databaseRetry(
      () =>
        this.records
          .findOne({ _id: { $lt: before } }, { _id: 1 })
          .sort({ _id: 1 })
          .lean<Pick<ExecutionTraceRecord, '_id'> | null>(),
      { deadlineMs: READ_DEADLINE_MS },
    );
    return record?._id.split('.')[0];
  }
}

/** Values of a trace may be maps of names that users chose, which are no keys of a document. */
function toText({ trace, ...place }: StoredTrace): StoredTraceText {
  return { ...place, trace: JSON.stringify(trace) };
}

/** An older release stored a trace as an object, not as text. */
function fromText({ trace, ...place }: StoredTrace | StoredTraceText): StoredTrace {
  return { ...place, trace: typeof trace === 'string' ? (JSON.parse(trace) as WhenTrace) : trace };
}

function identity(executionId: string, fence: number): string {
  return `${executionId}.${fence}`;
}
