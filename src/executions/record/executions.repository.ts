import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { notFound } from '../../common/errors/millrace.error.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { isTerminal, type TerminalStatus } from '../../engine/plan/run-status.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry, type RetryOptions } from '../../integrations/database/database-retry.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { LIVE, LIVE_PARTS, type LiveExecution } from './execution-lists.repository.js';
import {
  claimMove,
  continueMove,
  endMove,
  type EndTarget,
  type Hold,
  type HoldState,
  refusedMove,
  requeueMove,
  suspendMove,
} from './execution-moves.js';
import {
  type CancelRequest,
  ExecutionRecord,
  type Placement,
  type Progress,
  type TriggerInfo,
} from './execution.schema.js';
import { groupedInserts, groupedMoves } from './grouped-writes.repository.js';
import { OUTBOX_GRACE_MS, type OutboxEvent } from './outbox-event.js';
import type { StepAnswer, StepApproval, Suspension } from './suspension.js';
import type { StoredLogChunk } from './stored-log-chunk.js';
import { openedExecution, sealedExecution, type StoredExecution } from './sealed-execution.js';
import { toStore } from './stored-names.js';
import type { StoredReason, StoredRun } from './stored-state.js';

/** A request waits so long for a database that is away before it gets a 503. */
const REQUEST_DEADLINE_MS = 3_000;

/**
 * The end of an execution as whoever ends it wants it. Parts of its run that are absent stay
 * as they are stored.
 */
export interface Settlement extends Partial<StoredRun> {
  readonly status: TerminalStatus;
  readonly reason: StoredReason | null;
  readonly started_at: Date | null;
  readonly finished_at: Date;
  /** Only of one that ends while it waits; see `waitedMs`. */
  readonly waited?: number;
  readonly last_seq?: number;
  readonly logs?: readonly string[];
  /** Only whoever ran it to its end has one. */
  readonly last_log_chunk?: StoredLogChunk | undefined;
  /** With what was cloned, where that is known. */
  readonly trigger_info?: TriggerInfo | undefined;
}

/** An execution is given back: its attempt ended, and it waits for another one. */
export interface Requeue {
  readonly reason: StoredReason;
  readonly placements: readonly Placement[];
  readonly enqueueNumber: number;
  readonly workersLost: number;
  /** With what was cloned, where that is known: the next attempt clones the same. */
  readonly trigger_info?: TriggerInfo | undefined;
  /** What the attempt told last: the next one may begin from it. */
  readonly run?: StoredRun;
}

/** An execution waits for people: its attempt ended, and no worker has it. */
export interface SuspendedExecution {
  readonly reason: StoredReason;
  readonly placements: readonly Placement[];
  readonly trigger_info: TriggerInfo;
  readonly started_at: Date | null;
  readonly run: StoredRun;
  readonly suspension: Suspension;
  readonly lastSeq: number;
}

/**
 * What became of a move out of an attempt's hands: done; not done, because somebody wants the
 * execution cancelled and the move says something else; not done, because whoever asked does not
 * hold it (any more).
 */
export type EndResult = 'ended' | 'cancel_requested' | 'fenced';
export type RequeueResult = 'requeued' | 'cancel_requested' | 'fenced';
export type SuspendResult = 'suspended' | 'cancel_requested' | 'fenced';

/** Several processes accept at once: the newest by id need not have the highest number. */
const NEWEST = 100;

/**
 * Every call is idempotent, so it is sent again when its outcome is unknown: moves are filtered by
 * the state that they leave, and whether they happened is read back by who made them.
 */
@Injectable()
export class ExecutionsRepository {
  /**
   * The driver's own: on the way of every execution Mongoose's casting would cost more than the
   * call.
   */
  private readonly collection: Collection<StoredExecution>;
  /** In a burst executions are accepted and ended by the dozen. */
  private readonly inserts: ReturnType<typeof groupedInserts>;
  private readonly ends: ReturnType<typeof groupedMoves>;

  constructor(
    @InjectModel(ExecutionRecord.name) private readonly executions: Model<ExecutionRecord>,
    private readonly keyring: Keyring,
  ) {
    this.collection = executions.db.collection<StoredExecution>(executions.collection.name);
    this.inserts = groupedInserts(this.collection);
    this.ends = groupedMoves(this.collection);
  }

  /** False: another execution of the pipeline has this number. */
  insert(execution: ExecutionRecord): Promise<boolean> {
    const { _id, pipeline_id: pipelineId, number } = execution;
    const document = {
      ...sealedExecution(this.keyring, execution),
      ...(number !== null && { number_key: numberKey(pipelineId, number) }),
    };
    let tries = 0;
    return this.request(async () => {
      tries += 1;
      // Inserts of one number at once deadlock in PostgreSQL until one of them is stored. Who lost
      // looks first: one more insert would only meet those of all the others again.
      if (tries > 1 && number !== null) {
        const holder = await this.idOfNumber(pipelineId, number);
        if (holder !== undefined) return holder === _id;
      }
      try {
        await this.inserts.add(document);
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // The id is ours alone: a duplicate of it is our own earlier try whose answer was lost.
        return (await this.collection.countDocuments({ _id }, { limit: 1 })) > 0;
      }
    });
  }

  /** The highest number among the newest executions of a pipeline; 0 = none has one. */
  async newestNumber(pipelineId: string): Promise<number> {
    const newest = await this.request(() =>
      this.collection
        .find({ pipeline_id: pipelineId })
        .sort({ _id: -1 })
        .limit(NEWEST)
        .project<{ number?: number | null }>({ number: 1 })
        .toArray(),
    );
    return newest.reduce((most, { number }) => Math.max(most, number ?? 0), 0);
  }

  /** Id of the execution of a pipeline with this number. */
  async idOfNumber(pipelineId: string, number: number): Promise<string | undefined> {
    const found = await this.request(() =>
      this.collection.findOne(
        { number_key: numberKey(pipelineId, number) },
        { projection: { _id: 1 } },
      ),
    );
    return found?._id;
  }

  /** Reads nothing of it. @throws NotFoundError where there is none */
  async demand(id: string): Promise<void> {
    const options = { projection: { _id: 1 } };
    const found = await this.request(() => this.collection.findOne({ _id: id }, options));
    if (found === null) throw notFound('execution', id);
  }

  async find(id: string): Promise<ExecutionRecord | null> {
    const found = await this.request(() => this.collection.findOne({ _id: id }));
    return found && this.opened(found);
  }

  /**
   * Takes a pending execution for a worker. Null: it is not pending (any more), or somebody wants
   * it cancelled. Retried until `deadlineMs`.
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
          claimMove(id),
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
        return claimed ? this.opened(claimed) : this.findClaimed(id, claimId);
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

  /**
   * Ends an execution and puts the news of it into its outbox. `ended` also when an earlier try of
   * this very call did it.
   * @throws IllegalMoveError
   */
  async end(
    target: EndTarget,
    settlement: Settlement,
    news: OutboxEvent,
    options: RetryOptions,
  ): Promise<EndResult> {
    const move = endMove(target, settlement.status);
    const fields = {
      ...toStore(settlement),
      duration: durationOf(settlement),
      updated_at: settlement.finished_at,
    };
    const isFirst = firstTime();
    return databaseRetry(async () => {
      const mayBeOurs = !isFirst();
      const outbox_due = new Date(Date.now() + OUTBOX_GRACE_MS);
      const written = await this.ends.add({
        filter: move,
        update: {
          $set: { ...fields, outbox_due },
          $push: { outbox: news },
          $unset: { waits_until: '' },
        },
      });
      if (written === 'moved') return 'ended';
      const mayHaveMoved = written === 'unsure' || mayBeOurs;
      return this.whyNotEnded(target, mayHaveMoved ? settlement : undefined);
    }, options);
  }

  /** Gives an execution back. `requeued` also when an earlier try of this very call did it. */
  async requeue(hold: Hold, back: Requeue): Promise<RequeueResult> {
    const now = new Date();
    const isFirst = firstTime();
    return this.request(async () => {
      const mayBeOurs = !isFirst();
      const { matchedCount } = await this.collection.updateOne(
        requeueMove(hold),
        {
          $set: {
            status: 'pending',
            reason: back.reason,
            placements: [...back.placements],
            enqueue_number: back.enqueueNumber,
            workers_lost: back.workersLost,
            trigger_info: back.trigger_info,
            ...(back.run && toStore(back.run)),
            queued_at: now,
            updated_at: now,
          },
        },
        { ignoreUndefined: true },
      );
      if (matchedCount === 1) return 'requeued';
      return this.whyNotRequeued(hold, mayBeOurs ? now : undefined);
    });
  }

  /** Lets an execution wait. `suspended` also when an earlier try of this very call did it. */
  async suspend(hold: Hold, state: SuspendedExecution): Promise<SuspendResult> {
    const { placements, suspension, lastSeq, run, ...rest } = state;
    return this.request(async () => {
      const { matchedCount } = await this.collection.updateOne(
        suspendMove(hold),
        {
          $set: {
            ...{ ...rest, ...toStore(run), status: 'waiting', suspension },
            ...{ placements: [...placements], last_seq: lastSeq },
            // People may have said something while it ran: somebody looks at once.
            ...{ waits_until: suspension.at, updated_at: suspension.at },
          },
        },
        { ignoreUndefined: true },
      );
      if (matchedCount === 1) return 'suspended';
      const stored = await this.collection.findOne({ _id: hold.executionId });
      if (!stored || isTerminal(stored.status)) return 'fenced';
      const isOurs = stored.status === 'waiting' && stored.suspension?.attempt === hold.fence;
      return isOurs ? 'suspended' : refusedMove(stored, hold);
    });
  }

  /**
   * Keeps what somebody says to a step. False: they have said the same before, somebody has
   * rejected it, or it does not wait (any more).
   * @param attempt the execution attempt that the step was seen to wait in
   */
  async addApproval(id: string, attempt: number, approval: StepApproval): Promise<boolean> {
    const { stage, step, attempt: number, by, kind, generation, inputs, at } = approval;
    const place = { stage, step, attempt: number };
    const isNew = [
      { approvals: { $not: { $elemMatch: { ...place, by, kind, generation, inputs } } } },
      { approvals: { $not: { $elemMatch: { ...place, kind: 'rejection' } } } },
    ];
    return this.request(async () => {
      const live = { status: { $in: ['waiting', 'running'] as RunStatus[] }, attempt };
      const { matchedCount } = await this.collection.updateOne(
        { _id: id, ...live, cancel_requested: null, $and: isNew },
        {
          $push: { approvals: approval },
          $inc: { approvals_given: 1 },
          // Whoever said it may die before it is looked at.
          $set: { updated_at: at, waits_until: at },
        },
      );
      if (matchedCount === 1) return true;
      const stored = await this.collection.findOne({ _id: id });
      return (stored?.approvals ?? []).some((one) => one.by === by && +one.at === +at);
    });
  }

  /**
   * What it waited for is decided: it is offered again. False: it does not wait, somebody said more
   * meanwhile, or wants it cancelled.
   */
  async resume(
    hold: Hold,
    decided: {
      readonly approvals: number;
      readonly answers: readonly StepAnswer[];
      readonly enqueueNumber: number;
      readonly reason: StoredReason;
      /** `waitedMs`, of now. */
      readonly waited: number;
    },
  ): Promise<boolean> {
    const { approvals, answers, enqueueNumber, reason, waited } = decided;
    const now = new Date();
    return this.request(async () => {
      const { matchedCount } = await this.collection.updateOne(continueMove(hold, approvals), {
        $set: {
          ...{ status: 'pending', reason, enqueue_number: enqueueNumber, waited },
          ...{ 'suspension.answers': [...answers], queued_at: now, updated_at: now },
        },
        $unset: { waits_until: '' },
      });
      return matchedCount === 1;
    });
  }

  /** Somebody looked at one that waits, by so many approvals, and looks again then. */
  async lookAgain(id: string, approvals: number, at: Date): Promise<void> {
    const approvals_given = approvals === 0 ? null : approvals;
    await this.request(() =>
      this.collection.updateOne(
        { _id: id, status: 'waiting', approvals_given },
        { $set: { waits_until: at } },
      ),
    );
  }

  /** The workspace is going to be kept. False: the attempt does not hold the execution. */
  async noteKeeping({ executionId, fence }: Hold): Promise<boolean> {
    return this.request(async () => {
      const { matchedCount } = await this.collection.updateOne(heldBy(executionId, fence), {
        $set: { keeps_workspace: true },
      });
      return matchedCount === 1;
    });
  }

  /** Nothing is kept any more of one that is over. */
  async noteKeepsNothing(id: string): Promise<void> {
    await this.request(() =>
      this.collection.updateOne(
        { _id: id },
        { $unset: { keeps_workspace: '', 'suspension.sealed': '' } },
      ),
    );
  }

  /** The attempt has restored what it continues from. False: it does not hold the execution. */
  async noteContinued({ executionId, fence }: Hold): Promise<boolean> {
    return this.request(async () => {
      const { matchedCount } = await this.collection.updateOne(heldBy(executionId, fence), {
        $set: { 'suspension.continued_in': fence },
      });
      return matchedCount === 1;
    });
  }

  /**
   * Asks for the end of a live execution; the first request stays. Returns the execution as it is
   * then.
   */
  async requestCancel(id: string, request: CancelRequest): Promise<ExecutionRecord | null> {
    return this.request(async () => {
      await this.collection.updateOne(
        { _id: id, status: { $in: [...LIVE] }, cancel_requested: null },
        { $set: { cancel_requested: request, updated_at: request.at } },
      );
      const found = await this.collection.findOne({ _id: id });
      return found && this.opened(found);
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
      .find(
        { _id: { $in: [...ids] } },
        { status: 1, attempt: 1, cancel_requested: 1, 'suspension.attempt': 1 },
      )
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
    const execution = await this.collection.findOne({ _id: id, status: 'running' });
    return execution?.placements.at(-1)?.claim_id === claimId ? this.opened(execution) : null;
  }

  /**
   * @param wanted where this very call may have made the end: an earlier try of it whose answer was
   *   lost, or a write of which the database does not say what it moved
   */
  private async whyNotEnded(target: EndTarget, wanted: Settlement | undefined): Promise<EndResult> {
    const stored = await this.collection.findOne({ _id: target.executionId });
    if (!stored) return 'fenced';
    if (!isTerminal(stored.status)) return refusedMove(stored, target);
    const isOurs =
      stored.status === wanted?.status &&
      stored.finished_at?.getTime() === wanted.finished_at.getTime();
    return isOurs ? 'ended' : 'fenced';
  }

  /** @param queuedAt by an earlier try of the same call whose answer was lost */
  private async whyNotRequeued(hold: Hold, queuedAt: Date | undefined): Promise<RequeueResult> {
    const stored = await this.collection.findOne({ _id: hold.executionId });
    if (!stored || isTerminal(stored.status)) return 'fenced';
    const isOurs =
      stored.status === 'pending' &&
      stored.attempt === hold.fence &&
      stored.queued_at.getTime() === queuedAt?.getTime();
    return isOurs ? 'requeued' : refusedMove(stored, hold);
  }

  private opened(stored: StoredExecution): ExecutionRecord {
    return openedExecution(this.keyring, stored);
  }

  private request<T>(call: () => Promise<T>): Promise<T> {
    return databaseRetry(call, { deadlineMs: REQUEST_DEADLINE_MS });
  }
}

/**
 * Each attempt is claimed once and by one worker, so its number alone says who holds the execution.
 */
function heldBy(id: string, fence: number) {
  return { _id: id, status: 'running', attempt: fence } as const;
}

/** True the first time that it is asked. */
function firstTime(): () => boolean {
  let isFirst = true;
  return () => {
    const answer = isFirst;
    isFirst = false;
    return answer;
  };
}

/** Milliseconds from the first start of an execution to its end; null when it never began. */
export function durationOf({
  started_at,
  finished_at,
}: Pick<Settlement, 'started_at' | 'finished_at'>): number | null {
  return started_at && Math.max(0, finished_at.getTime() - started_at.getTime());
}

function numberKey(pipelineId: string, number: number): string {
  return `${pipelineId}#${number}`;
}
