import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { Metrics } from '../../common/metrics/metrics.js';
import type { Plan } from '../../engine/plan/plan.js';
import { pendingState } from '../../engine/runtime/pending-state.js';
import type { Reservation } from '../../idempotency/reservation.js';
import { Tracing } from '../../integrations/tracing/tracing.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { queueForLabels, queueForPlan } from '../placement/execution-queue.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { JustAccepted } from '../record/just-accepted.js';
import { runContextOf } from '../record/run-context.js';
import { storedRun, type StoredReason } from '../record/stored-state.js';
import { ExecutionNumbers } from './execution-numbers.js';

/** In the place of the hash of a plan: there is none, since the definition did not compile. */
export const NO_PLAN = '';

export interface AcceptedExecution {
  readonly executionId: string;
  /** Null: it was accepted by an older version. */
  readonly number: number | null;
  /** For people: whether it is queued or waits for the queue to be reachable. */
  readonly message: string;
}

/**
 * The one way into the store for a new execution, whoever asks for it: a person, an event, a
 * re-run. When it returns, the execution will run, whatever happens to this process.
 */
@Injectable()
export class AcceptExecution {
  private readonly logger = new Logger(AcceptExecution.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly numbers: ExecutionNumbers,
    private readonly placer: ExecutionPlacer,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
    private readonly justAccepted: JustAccepted,
  ) {}

  /** @throws MillraceError ServiceUnavailableError: the database is away, nothing is accepted */
  accept(id: string, order: ExecutionOrder): Promise<AcceptedExecution> {
    const attributes = { 'millrace.execution.id': id, 'millrace.pipeline.id': order.pipeline_id };
    return this.tracing.span('execution accept', attributes, () => this.acceptTraced(id, order));
  }

  private async acceptTraced(
    id: string,
    { plan, ...order }: ExecutionOrder,
  ): Promise<AcceptedExecution> {
    const trace_parent = this.tracing.current();
    const [first] = await Promise.all([
      this.numbers.next(order.pipeline_id),
      this.placer.announceQueue(queueForPlan(plan)),
    ]);
    const execution = await this.insertNumbered(first, (number) =>
      newExecution(id, plan, { ...order, number, trace_parent }),
    );
    const trigger = order.rerun_of === null ? order.trigger_info.trigger_type : 'rerun';
    this.metrics.executionsAccepted.inc({ trigger });
    failPoint('execution_inserted');
    this.justAccepted.add(execution);
    return this.place(execution);
  }

  /**
   * Keeps what could not run at all as an execution that failed before it began, so that it is seen
   * where all others are. Idempotent by `id`.
   */
  async refuse(id: string, order: RefusedOrder, reason: StoredReason): Promise<void> {
    if (await this.executions.find(id)) return;
    const first = await this.numbers.next(order.pipeline_id);
    await this.insertNumbered(first, (number) =>
      refusedExecution(id, { ...order, number }, reason),
    );
    this.metrics.executionsAccepted.inc({ trigger: order.trigger_info.trigger_type });
    this.logger.debug({ executionId: id, code: reason.code }, 'execution failed at once');
  }

  private async insertNumbered(
    first: number,
    make: (number: number) => ExecutionRecord,
  ): Promise<ExecutionRecord> {
    for (let number = first; ;) {
      const execution = make(number);
      // Each number that is taken is an execution that somebody else has accepted just now.
      if (await this.executions.insert(execution)) return execution;
      number = await this.numbers.next(execution.pipeline_id, number);
    }
  }

  /**
   * What an earlier request under the same reservation has accepted; it may have died before it
   * made the job.
   */
  async acceptedBefore({ id, repeated }: Reservation): Promise<AcceptedExecution | undefined> {
    const execution = repeated ? await this.executions.find(id) : null;
    return execution ? this.place(execution) : undefined;
  }

  private async place(execution: ExecutionRecord): Promise<AcceptedExecution> {
    const accepted = { executionId: execution._id, number: execution.number };
    const isPlaced = execution.status !== 'pending';
    if (isPlaced || (await this.placer.offer(execution))) {
      return { ...accepted, message: 'Execution accepted and queued.' };
    }
    const reason = executionReasons.queueUnavailable();
    await this.executions.explainPending(execution._id, reason).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'accepted all the same; the reason is not stored');
    });
    return { ...accepted, message: reason.message };
  }
}

/** What differs from one accepted execution to the next. */
type Order = Pick<
  ExecutionRecord,
  | 'pipeline_id'
  | 'pipeline_name'
  | 'pipeline_version'
  | 'plan_hash'
  | 'inputs'
  | 'environment'
  | 'trigger_info'
  | 'asked'
  | 'clone_url'
  | 'payload'
  | 'rerun_of'
  | 'trace_parent'
  | 'number'
>;

/** What differs, and what is run. */
export type ExecutionOrder = Omit<Order, 'number'> & { readonly plan: Plan };

/** What is known of an execution without a plan. */
export type RefusedOrder = Pick<Order, 'pipeline_id' | 'pipeline_name' | 'trigger_info'>;

function refusedExecution(
  id: string,
  order: RefusedOrder & Pick<Order, 'number'>,
  reason: StoredReason,
): ExecutionRecord {
  const { created_at: now, ...blank } = blankExecution(id, {
    ...order,
    pipeline_version: 0,
    plan_hash: NO_PLAN,
    inputs: {},
    environment: {},
    clone_url: null,
    rerun_of: null,
  });
  return {
    ...blank,
    created_at: now,
    status: 'failed',
    reason,
    queue: queueForLabels([]),
    finished_at: now,
    checkout: null,
    stages: [],
    on_failure: [],
    always: [],
    failure: null,
    commit: null,
    placements: [],
  };
}

function newExecution(id: string, plan: Plan, order: Order): ExecutionRecord {
  const blank = { ...blankExecution(id, order), queue: queueForPlan(plan) };
  return { ...blank, ...storedRun(pendingState(plan, runContextOf(blank))), placements: [] };
}

function blankExecution(id: string, order: Order) {
  const now = new Date();
  return {
    ...order,
    _id: id,
    status: 'pending',
    reason: executionReasons.queued(),
    enqueue_number: 1,
    queued_at: now,
    attempt: 0,
    workers_lost: 0,
    cancel_requested: null,
    started_at: null,
    finished_at: null,
    duration: null,
    logs: [],
    last_log_chunk: null,
    last_seq: 0,
    created_at: now,
    updated_at: now,
  } as const;
}
