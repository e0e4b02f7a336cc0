import { Injectable, Logger } from '@nestjs/common';
import {
  conflict,
  notFound,
  unprocessable,
  validationError,
} from '../../common/errors/millrace.error.js';
import { failPoint } from '../../common/fail-point.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { mergedNames, type NameRecord } from '../../common/values/name-record.js';
import { sayUrl } from '../../common/values/repository-url.js';
import { resolveInputs } from '../../engine/compiler/resolve-inputs.js';
import type { Plan } from '../../engine/plan/plan.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { pendingState } from '../../engine/runtime/pending-state.js';
import type { Reservation } from '../../idempotency/reservation.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { Tracing } from '../../integrations/tracing/tracing.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import { EndExecution } from '../ending/end-execution.js';
import { cancelledSettlement } from '../ending/settlements.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { queueForLabels } from '../placement/execution-queue.js';
import { CANCEL_TOPIC } from '../placement/execution-topics.js';
import {
  type ExecutionFilter,
  ExecutionListsRepository,
  type ExecutionSummary,
} from '../record/execution-lists.repository.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord, TriggerInfo } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { runContextOf } from '../record/run-context.js';
import { storedRun } from '../record/stored-state.js';

/** What somebody asks for when a pipeline is triggered by hand. */
export interface TriggerRequest {
  readonly triggerType?: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commitHash?: string;
  /** Clone from here instead of the pipeline's repository; may hold credentials. */
  readonly repository?: string;
  readonly environment?: NameRecord<string>;
  readonly inputs?: NameRecord<unknown>;
}

export interface AcceptedExecution {
  readonly executionId: string;
  /** For people: whether it is queued or waits for the queue to be reachable. */
  readonly message: string;
}

/** Accepts, shows, cancels and repeats executions; runs none. */
@Injectable()
export class ExecutionsService {
  private readonly logger = new Logger(ExecutionsService.name);

  constructor(
    private readonly pipelines: PipelinesService,
    private readonly plans: PlansService,
    private readonly executions: ExecutionsRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly placer: ExecutionPlacer,
    private readonly endings: EndExecution,
    private readonly live: LiveExecutions,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
    private readonly tracing: Tracing,
  ) {}

  /**
   * Accepts an execution of the pipeline's current version. When it returns, the execution is
   * stored and will run, whatever happens to this process.
   * @throws MillraceError ValidationError, NotFoundError, ConflictError (disabled),
   * UnprocessableError (inputs), ServiceUnavailableError (database away)
   */
  async trigger(
    pipelineId: string,
    request: TriggerRequest,
    actor: string,
    reservation: Reservation,
  ): Promise<AcceptedExecution> {
    if (request.branch !== undefined && request.tag !== undefined) {
      throw validationError('A trigger names a branch or a tag, not both.', {
        suggestions: ['Leave one of them out; commit_hash may come with either.'],
      });
    }
    const earlier = await this.acceptedBefore(reservation);
    if (earlier) return earlier;
    const version = await this.pipelines.getVersion(pipelineId);
    if (!version.enabled) throw disabled(pipelineId);
    const { inputs, problems } = resolveInputs(version.definition, request.inputs ?? {});
    if (problems.length > 0) {
      throw unprocessable('The inputs do not fit the pipeline.', { details: problems });
    }
    return this.accept(reservation.id, {
      pipeline_id: version.pipelineId,
      pipeline_name: version.pipelineName,
      pipeline_version: version.number,
      plan_hash: version.planHash,
      plan: version.plan,
      inputs,
      environment: mergedNames(request.environment),
      trigger_info: triggerInfo(request, actor),
      clone_url: request.repository ?? null,
      rerun_of: null,
    });
  }

  /**
   * Runs the same plan again: same version, inputs, variables, and the very commit that was cloned.
   * @throws MillraceError NotFoundError, ConflictError when the execution is not over or its
   *   pipeline is disabled
   */
  async rerun(id: string, actor: string, reservation: Reservation): Promise<AcceptedExecution> {
    const earlier = await this.acceptedBefore(reservation);
    if (earlier) return earlier;
    const original = await this.get(id);
    if (!isTerminal(original.status)) {
      throw conflict(`Execution ${id} is not over: it is ${original.status}.`, {
        suggestions: ['Wait for its end or cancel it, then run it again.'],
      });
    }
    // Of a pipeline that was deleted the plan is still there, and nobody said that it must not run.
    if ((await this.pipelines.isEnabled(original.pipeline_id)) === false) {
      throw disabled(original.pipeline_id);
    }
    const info = original.trigger_info;
    return this.accept(reservation.id, {
      pipeline_id: original.pipeline_id,
      pipeline_name: original.pipeline_name,
      pipeline_version: original.pipeline_version,
      plan_hash: original.plan_hash,
      plan: await this.plans.get(original.plan_hash),
      inputs: original.inputs,
      environment: original.environment,
      trigger_info: {
        ...info,
        timestamp: new Date(),
        commit_hash: original.commit?.sha ?? info.commit_hash,
        rerun_of: original._id,
        rerun_by: actor,
      },
      clone_url: original.clone_url,
      rerun_of: original._id,
    });
  }

  /** The execution with what is live of it. */
  async get(id: string): Promise<ExecutionRecord> {
    const execution = await this.executions.find(id);
    if (!execution) throw notFound('execution', id);
    return this.live.merge(execution);
  }

  async list(
    filter: ExecutionFilter,
    limit: number,
    before: string | undefined,
  ): Promise<ExecutionSummary[]> {
    return this.lists.list(filter, limit, before);
  }

  /**
   * Ends an execution. When it returns, the execution is or will be `cancelled` and nothing else,
   * also if its last step ends at this moment.
   * @throws MillraceError NotFoundError, ConflictError when it is over already
   */
  async cancel(id: string, actor: string, why: string | undefined): Promise<void> {
    const request = {
      at: new Date(),
      by: actor,
      ...(why === undefined ? {} : { reason: why }),
    };
    const execution = await this.executions.requestCancel(id, request);
    if (!execution) throw notFound('execution', id);
    if (isTerminal(execution.status)) {
      // The worker may have ended it for this very request before it was read back.
      if (execution.cancel_requested?.at.getTime() === request.at.getTime()) return;
      throw conflict(`Execution ${id} is over already: it is ${execution.status}.`, {
        suggestions: ['Nothing is left to cancel; run it again if you want another result.'],
      });
    }
    const isPending =
      execution.status !== 'running' &&
      (await this.endings.end({ executionId: id }, cancelledSettlement(execution))) === 'ended';
    if (isPending) return;
    await this.bus.publish(CANCEL_TOPIC, id).catch((error: unknown) => {
      this.logger.debug({ err: error, executionId: id }, 'the worker reads the cancel in time');
    });
  }

  private accept(id: string, order: ExecutionOrder): Promise<AcceptedExecution> {
    const attributes = { 'millrace.execution.id': id, 'millrace.pipeline.id': order.pipeline_id };
    return this.tracing.span('execution accept', attributes, () => this.acceptTraced(id, order));
  }

  private async acceptTraced(
    id: string,
    { plan, ...order }: ExecutionOrder,
  ): Promise<AcceptedExecution> {
    const execution = newExecution(id, plan, { ...order, trace_parent: this.tracing.current() });
    await this.placer.announceQueue(execution.queue);
    await this.executions.insert(execution);
    const trigger = order.rerun_of === null ? order.trigger_info.trigger_type : 'rerun';
    this.metrics.executionsAccepted.inc({ trigger });
    failPoint('execution_inserted');
    return this.place(execution);
  }

  /**
   * What an earlier request under the same reservation has accepted; it may have died before it
   * made the job.
   */
  private async acceptedBefore({
    id,
    repeated,
  }: Reservation): Promise<AcceptedExecution | undefined> {
    const execution = repeated ? await this.executions.find(id) : null;
    return execution ? this.place(execution) : undefined;
  }

  private async place(execution: ExecutionRecord): Promise<AcceptedExecution> {
    const isPlaced = execution.status !== 'pending';
    if (isPlaced || (await this.placer.offer(execution))) {
      return { executionId: execution._id, message: 'Execution accepted and queued.' };
    }
    const reason = executionReasons.queueUnavailable();
    await this.executions.explainPending(execution._id, reason).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'accepted all the same; the reason is not stored');
    });
    return { executionId: execution._id, message: reason.message };
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
  | 'clone_url'
  | 'rerun_of'
  | 'trace_parent'
>;

type ExecutionOrder = Order & { readonly plan: Plan };

function newExecution(id: string, plan: Plan, order: Order): ExecutionRecord {
  const now = new Date();
  const blank = {
    ...order,
    _id: id,
    status: 'pending',
    reason: executionReasons.queued(),
    queue: queueForLabels(plan.runsOn),
    enqueue_number: 1,
    queued_at: now,
    attempt: 0,
    placements: [],
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
  return { ...blank, ...storedRun(pendingState(plan, runContextOf(blank))), placements: [] };
}

function disabled(pipelineId: string): Error {
  const reason = executionReasons.pipelineDisabled();
  return conflict(reason.message, {
    details: { reason, pipeline_id: pipelineId },
    suggestions: [`Enable it first: PATCH /api/ci/pipelines/${pipelineId} with {"enabled": true}.`],
  });
}

function triggerInfo(request: TriggerRequest, actor: string): TriggerInfo {
  return {
    trigger_type: request.triggerType ?? 'manual',
    triggered_by: actor,
    timestamp: new Date(),
    ...(request.branch === undefined ? {} : { branch: request.branch }),
    ...(request.tag === undefined ? {} : { tag: request.tag }),
    ...(request.commitHash === undefined ? {} : { commit_hash: request.commitHash }),
    ...(request.repository === undefined ? {} : { repository: sayUrl(request.repository) }),
  };
}
