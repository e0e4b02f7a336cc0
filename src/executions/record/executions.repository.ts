import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { LIVE, LIVE_PARTS, type LiveExecution } from './execution-lists.repository.js';
import {
  type CancelRequest,
  ExecutionRecord,
  type Placement,
  type TriggerInfo,
  type Progress,
} from './execution.schema.js';
import type { StoredLogChunk } from './stored-log-chunk.js';
import { fromStore, toStore } from './stored-names.js';
import type { StoredReason, StoredRun } from './stored-state.js';

/** A request waits so long for a database that is away before it is told so. */
const REQUEST_DEADLINE_MS = 3_000;

/** Who writes: an attempt may change the execution only while it holds it. */
export interface Hold {
  readonly executionId: string;
  /** The execution attempt that writes. */
  readonly fence: number;
}

/** The end of an execution as its attempt tells it. */
export interface Settlement extends StoredRun {
  readonly status: RunStatus;
  readonly reason: StoredReason | null;
  readonly started_at: Date | null;
  readonly finished_at: Date;
  readonly duration: number;
  readonly last_seq: number;
  readonly logs: readonly string[];
  /** Only whoever ran it to its end has one. */
  readonly last_log_chunk?: StoredLogChunk;
  /** With what was cloned, where that is known. */
  readonly trigger_info?: TriggerInfo;
}

/** How an execution is given back. */
export interface Release {
  readonly reason: StoredReason;
  readonly placements: readonly Placement[];
  readonly enqueueNumber: number;
  readonly workersLost: number;
  /** With what was cloned, where that is known: the next attempt clones the same. */
  readonly trigger_info?: TriggerInfo;
}

export type SettleResult = 'settled' | 'cancel_requested' | 'fenced';

/** What an attempt re-reads while it runs. */
export type HoldState = Pick<ExecutionRecord, '_id' | 'status' | 'attempt' | 'cancel_requested'>;

/**
 * Every call is idempotent, so it is sent again when its outcome is unknown: moves are filtered by the state that
 * they leave, and whether they happened is read back by who made them.
 */
@Injectable()
export class ExecutionsRepository {
  /** The driver's own: on the way of every execution Mongoose's casting would cost more than the call. */
  private readonly collection: Collection<ExecutionRecord>;

  constructor(
    @InjectModel(ExecutionRecord.name) private readonly executions: Model<ExecutionRecord>,
  ) {
    this.collection = executions.db.collection<ExecutionRecord>(executions.collection.name);
  }

  async insert(execution: ExecutionRecord): Promise<void> {
    await this.request(async () => {
      try {
        await this.collection.insertOne(toStore(execution), { ignoreUndefined: true });
      } catch (error) {
        // The id is ours alone: a duplicate is our own earlier try whose answer was lost.
        if (!isDuplicateKey(error)) throw error;
      }
    });
  }

  async find(id: string): Promise<ExecutionRecord | null> {
    const found = await this.request(() => this.collection.findOne({ _id: id }));
    return found && fromStore(found);
  }

  /**
   * Takes a pending execution for a worker. Null: it is not pending (any more), or somebody wants it cancelled.
   * Retried until `deadlineMs`.
   */
  async claim(
    id: string,
    worker: { readonly id: string; readonly name: string },
    deadlineMs: number,
  ): Promise<ExecutionRecord | null> {
    const claimId = uuidV7();
    return databaseRetry(
      async () => {
        const now = new Date();
        const claimed = await this.collection.findOneAndUpdate(
          { _id: id, status: 'pending', cancel_requested: null },
          {
            $set: { status: 'running', reason: null, updated_at: now },
            $inc: { attempt: 1 },
            $push: {
              placements: {
                claim_id: claimId,
                worker_id: worker.id,
                worker_name: worker.name,
                claimed_at: now,
              },
            },
          },
          { returnDocument: 'after' },
        );
        return claimed ? fromStore(claimed) : this.findClaimed(id, claimId);
      },
      { deadlineMs },
    );
  }

  /** True while the fence holds; false means that the execution was taken from the writer. */
  async recordProgress(
    { executionId, fence }: Hold,
    run: Progress & { readonly last_seq: number },
  ): Promise<boolean> {
    const { matchedCount } = await this.collection.updateOne(
      heldBy(executionId, fence),
      { $set: { ...toStore(run), updated_at: new Date() } },
      { ignoreUndefined: true },
    );
    return matchedCount === 1;
  }

  /** Ends the execution, unless a cancel that the settlement does not know came first or the fence is broken. */
  async settle(
    { executionId, fence }: Hold,
    settlement: Settlement,
    options: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<SettleResult> {
    return databaseRetry(async () => {
      const held = heldBy(executionId, fence);
      const filter = settlement.status === 'cancelled' ? held : { ...held, cancel_requested: null };
      const { matchedCount } = await this.collection.updateOne(
        filter,
        { $set: { ...toStore(settlement), updated_at: settlement.finished_at } },
        { ignoreUndefined: true },
      );
      if (matchedCount === 1) return 'settled';
      return this.whyNotSettled(executionId, fence);
    }, options);
  }

  /** Gives an execution back: its attempt ended without an end of the execution. False: the fence is broken. */
  async release({ executionId, fence }: Hold, back: Release): Promise<boolean> {
    const now = new Date();
    return databaseRetry(
      async () => {
        const { matchedCount } = await this.executions.updateOne(
          { ...heldBy(executionId, fence), cancel_requested: null },
          {
            $set: {
              status: 'pending',
              reason: back.reason,
              placements: [...back.placements],
              enqueue_number: back.enqueueNumber,
              workers_lost: back.workersLost,
              ...(back.trigger_info && { trigger_info: back.trigger_info }),
              queued_at: now,
              updated_at: now,
            },
          },
        );
        return matchedCount === 1;
      },
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
  }

  /** Asks for the end of a live execution; the first request stays. Returns the execution as it is then. */
  async requestCancel(id: string, request: CancelRequest): Promise<ExecutionRecord | null> {
    return this.request(async () => {
      await this.executions.updateOne(
        { _id: id, status: { $in: [...LIVE] }, cancel_requested: null },
        { $set: { cancel_requested: request, updated_at: request.at } },
      );
      const found = await this.executions.findById(id).lean<ExecutionRecord | null>();
      return found && fromStore(found);
    });
  }

  /** Ends an execution that no worker holds. False: a worker holds it, or it is over. */
  async endUnplaced(
    id: string,
    end: Pick<Settlement, 'status' | 'reason'> & Partial<StoredRun>,
  ): Promise<boolean> {
    const now = new Date();
    return this.request(async () => {
      const { matchedCount } = await this.executions.updateOne(
        { _id: id, status: { $in: ['pending', 'waiting'] } },
        { $set: { ...toStore(end), finished_at: now, updated_at: now } },
      );
      return matchedCount === 1;
    });
  }

  /** Notes why a pending execution does not move. */
  async explainPending(id: string, reason: StoredReason): Promise<void> {
    await this.request(() =>
      this.executions.updateOne({ _id: id, status: 'pending' }, { $set: { reason } }),
    );
  }

  async holdStates(ids: readonly string[]): Promise<HoldState[]> {
    return this.executions
      .find({ _id: { $in: [...ids] } }, { status: 1, attempt: 1, cancel_requested: 1 })
      .lean<HoldState[]>();
  }

  /** Running executions whose last claim this worker made, whether it heard of it or not. */
  async claimedBy(workerId: string): Promise<LiveExecution[]> {
    const running = await this.executions
      .find({ status: 'running', 'placements.worker_id': workerId }, LIVE_PARTS)
      .lean<LiveExecution[]>();
    return running.filter(({ placements }) => placements.at(-1)?.worker_id === workerId);
  }

  private async findClaimed(id: string, claimId: string): Promise<ExecutionRecord | null> {
    const execution = await this.executions
      .findOne({ _id: id, status: 'running' })
      .lean<ExecutionRecord | null>();
    return execution?.placements.at(-1)?.claim_id === claimId ? fromStore(execution) : null;
  }

  private async whyNotSettled(id: string, fence: number): Promise<SettleResult> {
    const execution = await this.executions.findById(id).lean<ExecutionRecord | null>();
    if (execution?.attempt !== fence) return 'fenced';
    if (execution.status === 'running') return 'cancel_requested';
    // Nobody but the holder ends a running execution: the end is our own earlier try whose answer was lost.
    return execution.finished_at === null ? 'fenced' : 'settled';
  }

  private request<T>(call: () => Promise<T>): Promise<T> {
    return databaseRetry(call, { deadlineMs: REQUEST_DEADLINE_MS });
  }
}

/** Each attempt is claimed once and by one worker, so its number alone says who holds the execution. */
function heldBy(id: string, fence: number) {
  return { _id: id, status: 'running', attempt: fence } as const;
}
