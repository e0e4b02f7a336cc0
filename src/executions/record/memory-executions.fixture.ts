import { standIn, type PublicPart } from '../../../test/support/stand-in.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { LIVE, type LiveExecution } from './execution-lists.repository.js';
import type { CancelRequest, ExecutionRecord, Progress } from './execution.schema.js';
import type {
  ExecutionsRepository,
  Hold,
  HoldState,
  Release,
  Settlement,
  SettleResult,
} from './executions.repository.js';
import type { StoredReason, StoredRun } from './stored-state.js';

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

  async insert(execution: ExecutionRecord): Promise<void> {
    this.answer();
    if (!this.records.has(execution._id)) this.records.set(execution._id, { ...execution });
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
    if (record?.status !== 'pending' || record.cancel_requested) return null;
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

  async settle(hold: Hold, settlement: Settlement): Promise<SettleResult> {
    this.answer();
    const record = this.held(hold);
    if (record && (settlement.status === 'cancelled' || !record.cancel_requested)) {
      this.change(record, defined(settlement));
      return 'settled';
    }
    if (record) return 'cancel_requested';
    const other = this.records.get(hold.executionId);
    const isOwnEnd = other?.attempt === hold.fence && other.finished_at !== null;
    return isOwnEnd ? 'settled' : 'fenced';
  }

  async release(hold: Hold, back: Release): Promise<boolean> {
    this.answer();
    const record = this.held(hold);
    if (!record || record.cancel_requested) return false;
    this.change(record, {
      status: 'pending',
      reason: back.reason,
      placements: [...back.placements],
      enqueue_number: back.enqueueNumber,
      workers_lost: back.workersLost,
      ...(back.trigger_info && { trigger_info: back.trigger_info }),
      queued_at: new Date(),
    });
    return true;
  }

  async requestCancel(id: string, request: CancelRequest): Promise<ExecutionRecord | null> {
    this.answer();
    const record = this.records.get(id);
    if (!record) return null;
    const isAsked = LIVE.includes(record.status) && !record.cancel_requested;
    return isAsked ? this.change(record, { cancel_requested: request }) : record;
  }

  async endUnplaced(
    id: string,
    end: Pick<Settlement, 'status' | 'reason'> & Partial<StoredRun>,
  ): Promise<boolean> {
    this.answer();
    const record = this.records.get(id);
    if (record?.status !== 'pending' && record?.status !== 'waiting') return false;
    this.change(record, { ...end, finished_at: new Date() });
    return true;
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
    const changed = { ...record, ...changes, updated_at: new Date() };
    this.records.set(record._id, changed);
    return changed;
  }

  private answer(): void {
    if (this.failure) throw this.failure;
  }
}

/** A property that is `undefined` is not written. */
function defined(settlement: Settlement): Partial<ExecutionRecord> {
  const entries = Object.entries(settlement).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
