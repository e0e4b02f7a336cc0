import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { isTerminal, RUN_STATUSES } from '../../engine/plan/run-status.js';
import { isUnknownHint } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { ExecutionRecord, indexForLists, type ListField } from './execution.schema.js';
import type { StoredStep } from './stored-state.js';

/** A request waits so long for a database that is away before it gets a 503. */
const REQUEST_DEADLINE_MS = 3_000;

/** Accepted and not over. */
export const LIVE: readonly RunStatus[] = RUN_STATUSES.filter((status) => !isTerminal(status));

/** What an execution ends with. */
export const ENDED: readonly RunStatus[] = RUN_STATUSES.filter(isTerminal);

export interface ExecutionFilter {
  readonly pipelineId?: string;
  /** One, or one of several. */
  readonly status?: RunStatus | readonly RunStatus[];
  readonly branch?: string;
}

/** Which part of a list. */
export interface ListRange {
  readonly limit: number;
  /** Only older ones than this id. */
  readonly before?: string | undefined;
  /** Only this id and newer ones. */
  readonly from?: string;
}

const SUMMARY = {
  pipeline_id: 1,
  pipeline_name: 1,
  pipeline_version: 1,
  number: 1,
  status: 1,
  reason: 1,
  trigger_info: 1,
  attempt: 1,
  rerun_of: 1,
  commit: 1,
  started_at: 1,
  finished_at: 1,
  duration: 1,
  created_at: 1,
  updated_at: 1,
} as const;

/** The parts of an execution that a list shows. */
export type ExecutionSummary = Pick<ExecutionRecord, '_id' | keyof typeof SUMMARY>;

/** What is told of an execution that is over. */
export type EndedSummary = ExecutionSummary & Pick<ExecutionRecord, 'failure'>;

export const LIVE_PARTS = {
  status: 1,
  plan_hash: 1,
  queue: 1,
  enqueue_number: 1,
  trace_parent: 1,
  queued_at: 1,
  attempt: 1,
  placements: 1,
  workers_lost: 1,
  cancel_requested: 1,
  started_at: 1,
} as const;

/** What the reconciler needs of an execution that is not over. */
export type LiveExecution = Pick<ExecutionRecord, '_id' | keyof typeof LIVE_PARTS>;

/** What statistics need of an execution that is over. */
export interface FinishedExecution extends Pick<
  ExecutionRecord,
  '_id' | 'status' | 'created_at' | 'started_at' | 'finished_at' | 'duration'
> {
  readonly stages: readonly {
    readonly name: string;
    readonly steps: readonly Pick<StoredStep, 'name' | 'status' | 'flaky'>[];
  }[];
}

const FINISHED = {
  status: 1,
  created_at: 1,
  started_at: 1,
  finished_at: 1,
  duration: 1,
  'stages.name': 1,
  'stages.steps.name': 1,
  'stages.steps.status': 1,
  'stages.steps.flaky': 1,
} as const;

/** Which executions there are: every read of several of them. */
@Injectable()
export class ExecutionListsRepository {
  private readonly collection: Collection<ExecutionRecord>;

  constructor(
    @InjectModel(ExecutionRecord.name) private readonly executions: Model<ExecutionRecord>,
  ) {
    this.collection = executions.db.collection<ExecutionRecord>(executions.collection.name);
  }

  /**
   * Newest first; `before` is the id that the last page ended with. Costs by the page, not by what
   * is stored.
   */
  async list(
    filter: ExecutionFilter,
    limit: number,
    before: string | undefined,
  ): Promise<ExecutionSummary[]> {
    return this.newest<ExecutionSummary>(filter, SUMMARY, { limit, before });
  }

  /** What is told of one; undefined: there is none. Log lines of its failure are left out. */
  async ended(id: string): Promise<EndedSummary | undefined> {
    const projection = { ...SUMMARY, 'failure.stage': 1, 'failure.step': 1 } as const;
    const found = await this.request(() => this.collection.findOne({ _id: id }, { projection }));
    return (found as EndedSummary | null) ?? undefined;
  }

  /** Executions that are not over, oldest first. */
  async live(statuses: readonly RunStatus[], limit: number): Promise<LiveExecution[]> {
    return this.executions
      .find({ status: { $in: [...statuses] } }, LIVE_PARTS)
      .sort({ _id: 1 })
      .limit(limit)
      .lean<LiveExecution[]>();
  }

  /** Ids of executions that wait and that somebody is to look at, the longest due first. */
  async dueWaiting(now: Date, limit: number): Promise<string[]> {
    const due = await this.executions
      .find({ waits_until: { $lte: now }, status: 'waiting' }, { _id: 1 })
      .sort({ waits_until: 1 })
      .limit(limit)
      .lean<{ _id: string }[]>();
    return due.map(({ _id }) => _id);
  }

  /**
   * Executions that keep a workspace, or may, by pages in the order of their ids. By nothing but
   * that: an index on the status would find all that ever ended.
   */
  async keepingWorkspaces(
    after: string | undefined,
    limit: number,
  ): Promise<Pick<ExecutionRecord, '_id' | 'status'>[]> {
    const page = after === undefined ? {} : { _id: { $gt: after } };
    return this.executions
      .find({ keeps_workspace: true, ...page }, { status: 1 })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<Pick<ExecutionRecord, '_id' | 'status'>[]>();
  }

  /** Pending executions of a queue that were accepted before this one. */
  async pendingBefore(queue: string, id: string): Promise<number> {
    return this.request(() =>
      this.executions.countDocuments({ status: 'pending', queue, _id: { $lt: id } }),
    );
  }

  /** What statistics need of the newest executions that are over, `from` an id on. */
  async finished(
    filter: Omit<ExecutionFilter, 'status'>,
    range: ListRange,
  ): Promise<FinishedExecution[]> {
    return this.newest<FinishedExecution>({ ...filter, status: ENDED }, FINISHED, range);
  }

  /**
   * The index is named: FerretDB believes that a range of ids finds next to nothing, and would sort
   * all that it finds.
   * @see docs/adr/0014-lists-that-stay-flat.md
   */
  private async newest<T>(
    filter: ExecutionFilter,
    projection: Readonly<Record<string, 1>>,
    range: ListRange,
  ): Promise<T[]> {
    const conditions = { ...conditionsOf(filter), ...idRange(range) };
    const read = (hint?: ReturnType<typeof indexForLists>): Promise<unknown[]> =>
      this.collection
        .find(conditions as Parameters<typeof this.collection.find>[0], {
          projection,
          limit: range.limit,
          batchSize: range.limit,
          sort: { _id: -1 },
          ...(hint && { hint }),
        })
        .toArray();
    const rows = await this.request(async () => {
      try {
        return await read(indexForLists(new Set(Object.keys(conditions))));
      } catch (error) {
        // The index is being made: these are the first moments of a new version.
        if (!isUnknownHint(error)) throw error;
        return read();
      }
    });
    return rows as T[];
  }

  private request<T>(call: () => Promise<T>): Promise<T> {
    return databaseRetry(call, { deadlineMs: REQUEST_DEADLINE_MS });
  }
}

type Condition = string | { readonly $in: readonly string[] };

function conditionsOf({ pipelineId, status, branch }: ExecutionFilter): {
  readonly [field in ListField]?: Condition;
} {
  return {
    ...(pipelineId !== undefined && { pipeline_id: pipelineId }),
    ...(status !== undefined && {
      status: typeof status === 'string' ? status : { $in: [...status] },
    }),
    ...(branch !== undefined && { 'trigger_info.branch': branch }),
  };
}

function idRange({ before, from }: ListRange): object {
  if (before === undefined && from === undefined) return {};
  return {
    _id: {
      ...(before !== undefined && { $lt: before }),
      ...(from !== undefined && { $gte: from }),
    },
  };
}
