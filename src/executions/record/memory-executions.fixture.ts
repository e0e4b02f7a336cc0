import { notFound } from '../../common/errors/millrace.error.js';
import { standIn, type PublicPart } from '../../../test/support/stand-in.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { LIVE, type LiveExecution } from './execution-lists.repository.js';
import type { CancelRequest, ExecutionRecord, Progress } from './execution.schema.js';
import {
  claimMove,
  continueMove,
  endMove,
  type EndTarget,
  type Hold,
  type HoldState,
  type MoveFilter,
  refusedMove,
  requeueMove,
  suspendMove,
} from './execution-moves.js';
import {
  durationOf,
  type EndResult,
  type ExecutionsRepository,
  type Requeue,
  type RequeueResult,
  type Settlement,
  type SuspendedExecution,
  type SuspendResult,
} from './executions.repository.js';
import { isSameStep, isSameWord, type StepAnswer, type StepApproval } from './suspension.js';
import { OUTBOX_GRACE_MS, type OutboxEvent } from './outbox-event.js';
import type { StoredReason } from './stored-state.js';

/** Executions in memory, for tests; held by the same contract as the database's. */
export class MemoryExecutions implements PublicPart<ExecutionsRepository> {
  private readonly records = new Map<string, ExecutionRecord>();
  /** What every call rejects with from now on: the database is away, or refuses. */
  failure: Error | undefined;

  /** As the providers take it. */
  get repository(): ExecutionsRepository {
    return standIn<ExecutionsRepository>(this);
  }

  /** What is stored of an execution that must be there. */
  stored(id: string): ExecutionRecord {
    const record = this.records.get(id);
    if (!record) throw new Error(`execution ${id} is not stored`);
    return record;
  }

  /** As if somebody else had written this. */
  patch(id: string, changes: Partial<ExecutionRecord>): void {
    this.change(this.stored(id), changes);
  }

  /** As if somebody else had removed these fields. */
  take(id: string, fields: readonly (keyof ExecutionRecord)[]): void {
    const entries = Object.entries(this.stored(id));
    const rest = entries.filter(([name]) => !(fields as readonly string[]).includes(name));
    this.records.set(id, Object.fromEntries(rest) as unknown as ExecutionRecord);
  }

  /** All that are stored, in the order of their insertion. */
  all(): ExecutionRecord[] {
    return [...this.records.values()];
  }

  async insert(execution: ExecutionRecord): Promise<boolean> {
    this.answer();
    if (this.records.has(execution._id)) return true;
    const { pipeline_id: pipelineId, number } = execution;
    const isTaken = this.all().some(
      (each) => each.pipeline_id === pipelineId && each.number === number,
    );
    if (number !== null && isTaken) return false;
    this.records.set(execution._id, { ...execution });
    return true;
  }

  async newestNumber(pipelineId: string): Promise<number> {
    this.answer();
    const own = this.all().filter((each) => each.pipeline_id === pipelineId);
    return own.reduce((most, { number }) => Math.max(most, number ?? 0), 0);
  }

  async idOfNumber(pipelineId: string, number: number): Promise<string | undefined> {
    this.answer();
    return this.all().find((each) => each.pipeline_id === pipelineId && each.number === number)
      ?._id;
  }

  async demand(id: string): Promise<void> {
    if ((await this.find(id)) === null) throw notFound('execution', id);
  }

  async find(id: string): Promise<ExecutionRecord | null> {
    this.answer();
    return this.records.get(id) ?? null;
  }

  async claim(
    id: string,
    worker: { readonly id: string; readonly name: string },
  ): Promise<ExecutionRecord | null> {
    this.answer();
    const record = this.records.get(id);
    if (!record || !isMove(record, claimMove(id))) return null;
    const placement = {
      claim_id: uuidV7(),
      worker_id: worker.id,
      worker_name: worker.name,
      claimed_at: new Date(),
    };
    return this.change(record, {
      status: 'running',
      reason: null,
      attempt: record.attempt + 1,
      placements: [...record.placements, placement],
    });
  }

  async recordProgress(
    hold: Hold,
    run: Progress & { readonly last_seq: number },
  ): Promise<boolean> {
    this.answer();
    const record = this.held(hold);
    if (record) this.change(record, run);
    return record !== undefined;
  }

  async end(target: EndTarget, settlement: Settlement, news: OutboxEvent): Promise<EndResult> {
    this.answer();
    const record = this.records.get(target.executionId);
    const move = endMove(target, settlement.status);
    if (!record) return 'fenced';
    if (!isMove(record, move)) {
      return isTerminal(record.status) ? 'fenced' : refusedMove(record, target);
    }
    this.change(record, {
      ...defined(settlement),
      duration: durationOf(settlement),
      waits_until: undefined,
      outbox: [...(record.outbox ?? []), news],
      outbox_due: new Date(Date.now() + OUTBOX_GRACE_MS),
    });
    return 'ended';
  }

  async requeue(hold: Hold, back: Requeue): Promise<RequeueResult> {
    this.answer();
    const record = this.records.get(hold.executionId);
    if (!record || isTerminal(record.status)) return 'fenced';
    if (!isMove(record, requeueMove(hold))) return refusedMove(record, hold);
    this.change(record, {
      status: 'pending',
      reason: back.reason,
      placements: [...back.placements],
      enqueue_number: back.enqueueNumber,
      workers_lost: back.workersLost,
      ...(back.trigger_info && { trigger_info: back.trigger_info }),
      ...back.run,
      queued_at: new Date(),
    });
    return 'requeued';
  }

  async suspend(hold: Hold, state: SuspendedExecution): Promise<SuspendResult> {
    this.answer();
    const record = this.records.get(hold.executionId);
    if (!record || isTerminal(record.status)) return 'fenced';
    if (!isMove(record, suspendMove(hold))) return refusedMove(record, hold);
    const { placements, suspension, lastSeq, run, ...rest } = state;
    this.change(record, {
      ...{ ...rest, ...run, status: 'waiting', suspension },
      ...{ placements: [...placements], last_seq: lastSeq, waits_until: suspension.at },
    });
    return 'suspended';
  }

  async addApproval(id: string, attempt: number, approval: StepApproval): Promise<boolean> {
    this.answer();
    const record = this.records.get(id);
    const isOpen = record?.status === 'waiting' || record?.status === 'running';
    if (!record || !isOpen || record.attempt !== attempt || record.cancel_requested) return false;
    const own = (record.approvals ?? []).filter((one) => isSameStep(one, approval));
    const isSaid = own.some((one) => isSameWord(one, approval));
    if (isSaid || own.some(({ kind }) => kind === 'rejection')) return false;
    this.change(record, {
      approvals: [...(record.approvals ?? []), approval],
      approvals_given: (record.approvals_given ?? 0) + 1,
      waits_until: approval.at,
    });
    return true;
  }

  async resume(
    hold: Hold,
    decided: {
      readonly approvals: number;
      readonly answers: readonly StepAnswer[];
      readonly enqueueNumber: number;
      readonly reason: StoredReason;
      readonly waited: number;
    },
  ): Promise<boolean> {
    this.answer();
    const record = this.records.get(hold.executionId);
    if (!record?.suspension || !isMove(record, continueMove(hold, decided.approvals))) return false;
    this.change(record, {
      status: 'pending',
      reason: decided.reason,
      enqueue_number: decided.enqueueNumber,
      waited: decided.waited,
      suspension: { ...record.suspension, answers: decided.answers },
      queued_at: new Date(),
      waits_until: undefined,
    });
    return true;
  }

  async lookAgain(id: string, approvals: number, at: Date): Promise<void> {
    this.answer();
    const record = this.records.get(id);
    const isAsSeen = (record?.approvals_given ?? 0) === approvals;
    if (record?.status === 'waiting' && isAsSeen) this.change(record, { waits_until: at });
  }

  async noteKeeping(hold: Hold): Promise<boolean> {
    this.answer();
    const record = this.held(hold);
    if (record) this.change(record, { keeps_workspace: true });
    return record !== undefined;
  }

  async noteKeepsNothing(id: string): Promise<void> {
    this.answer();
    const record = this.records.get(id);
    if (!record) return;
    const { suspension } = record;
    if (suspension) this.change(record, { suspension: { ...suspension, sealed: undefined } });
    this.take(id, ['keeps_workspace']);
  }

  async noteContinued(hold: Hold): Promise<boolean> {
    this.answer();
    const record = this.held(hold);
    if (!record?.suspension) return false;
    this.change(record, { suspension: { ...record.suspension, continued_in: hold.fence } });
    return true;
  }

  async requestCancel(id: string, request: CancelRequest): Promise<ExecutionRecord | null> {
    this.answer();
    const record = this.records.get(id);
    if (!record) return null;
    const isAsked = LIVE.includes(record.status) && !record.cancel_requested;
    return isAsked ? this.change(record, { cancel_requested: request }) : record;
  }

  async explainPending(id: string, reason: StoredReason): Promise<void> {
    this.answer();
    const record = this.records.get(id);
    if (record?.status === 'pending') this.change(record, { reason });
  }

  async holdStates(ids: readonly string[]): Promise<HoldState[]> {
    this.answer();
    return ids.flatMap((id) => this.records.get(id) ?? []);
  }

  async claimedBy(workerId: string): Promise<LiveExecution[]> {
    this.answer();
    return [...this.records.values()].filter(
      ({ status, placements }) => status === 'running' && placements.at(-1)?.worker_id === workerId,
    );
  }

  private held({ executionId, fence }: Hold): ExecutionRecord | undefined {
    const record = this.records.get(executionId);
    return record?.status === 'running' && record.attempt === fence ? record : undefined;
  }

  /** Records are replaced, never changed: whoever read one keeps what was stored then. */
  private change(record: ExecutionRecord, changes: Partial<ExecutionRecord>): ExecutionRecord {
    const { waits_until: _until, ...whole } = { ...record, ...changes, updated_at: new Date() };
    const changed: ExecutionRecord =
      _until === undefined ? whole : { ...whole, waits_until: _until };
    this.records.set(record._id, changed);
    return changed;
  }

  private answer(): void {
    if (this.failure) throw this.failure;
  }
}

/** True: what is stored is what the move asks for. */
function isMove(record: ExecutionRecord, { status, attempt, ...rest }: MoveFilter): boolean {
  const statuses = typeof status === 'string' ? [status] : status.$in;
  return (
    statuses.includes(record.status) &&
    (attempt === undefined || record.attempt === attempt) &&
    (rest.cancel_requested === undefined || record.cancel_requested === null) &&
    (rest.approvals_given === undefined ||
      (record.approvals_given ?? null) === rest.approvals_given)
  );
}

/** A property that is `undefined` is not written. */
function defined(settlement: Settlement): Partial<ExecutionRecord> {
  const entries = Object.entries(settlement).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
