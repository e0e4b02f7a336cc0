import { Injectable, Logger } from '@nestjs/common';
import type { WhenTrace } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import { WorkersRepository } from '../../workers/workers.repository.js';
import { placementResponse } from '../record/dto/execution.response.js';
import { ExecutionListsRepository } from '../record/execution-lists.repository.js';
import { executionPath, type ExecutionPathPart } from '../record/execution-path.js';
import type { StoredTrace } from '../record/execution-trace.schema.js';
import { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StoredStage, StoredStep } from '../record/stored-state.js';
import type {
  ExplainedStageResponse,
  ExplainedStepResponse,
  ExplanationResponse,
  QueueResponse,
} from './dto/explanation.response.js';
import { type DurationEstimate, durationEstimate } from './execution-estimate.js';
import { RecentlyFinished } from './finished-lately.js';
import { explainQueue } from './queue-explanation.js';

type TraceOf = (stage: string, step: string | null) => WhenTrace | null;

/**
 * Says why everything of an execution is as it is: the stored reasons, and what is seen of queue,
 * time and path now.
 */
@Injectable()
export class ExecutionExplainer {
  private readonly logger = new Logger(ExecutionExplainer.name);

  constructor(
    private readonly traces: ExecutionTracesRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly lately: RecentlyFinished,
    private readonly workers: WorkersRepository,
    private readonly plans: PlansService,
  ) {}

  async explain(execution: ExecutionRecord): Promise<ExplanationResponse> {
    const now = new Date();
    const [traces, queue, estimate, criticalPath] = await Promise.all([
      this.traces.find(execution._id, execution.attempt),
      execution.status === 'pending' ? this.queueOf(execution) : null,
      isTerminal(execution.status) ? null : this.estimateOf(execution, now),
      this.pathOf(execution, now),
    ]);
    const traceOf = finder(traces);
    const info = execution.trigger_info;
    return {
      id: execution._id,
      status: execution.status,
      reason: queue?.waits_for[0] ?? execution.reason,
      trigger: `${info.trigger_type}, by ${info.triggered_by}`,
      queue,
      estimate,
      critical_path: criticalPath,
      placements: execution.placements.map(placementResponse),
      checkout: execution.checkout ? explainStep('', execution.checkout, traceOf) : null,
      stages: execution.stages.map((stage) => explainStage(stage, traceOf)),
      on_failure: execution.on_failure.map((step) => explainStep('on_failure', step, traceOf)),
      always: execution.always.map((step) => explainStep('always', step, traceOf)),
    };
  }

  private async queueOf(execution: ExecutionRecord): Promise<QueueResponse> {
    const [ahead, workers, lately] = await Promise.all([
      this.lists.pendingBefore(execution.queue, execution._id),
      this.workers.live(),
      this.lately.of(),
    ]);
    return explainQueue(execution, ahead, workers, lately);
  }

  private async estimateOf(
    execution: ExecutionRecord,
    now: Date,
  ): Promise<DurationEstimate | null> {
    const finished = await this.lately.of(execution.pipeline_id);
    return durationEstimate(finished, execution.started_at, now);
  }

  private async pathOf(execution: ExecutionRecord, now: Date): Promise<ExecutionPathPart[]> {
    if (!execution.started_at) return [];
    try {
      return executionPath(await this.plans.get(execution.plan_hash), execution, now);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.logger.warn({ err: error, executionId: execution._id }, 'no plan, no critical path');
      return [];
    }
  }
}

function finder(traces: readonly StoredTrace[]): TraceOf {
  return (stage, step) =>
    traces.find((trace) => trace.stage === stage && trace.step === step)?.trace ?? null;
}

function explainStage(stage: StoredStage, traceOf: TraceOf): ExplainedStageResponse {
  return {
    name: stage.name,
    status: stage.status,
    reason: stage.reason,
    when: traceOf(stage.name, null),
    steps: stage.steps.map((step) => explainStep(stage.name, step, traceOf)),
  };
}

function explainStep(stage: string, step: StoredStep, traceOf: TraceOf): ExplainedStepResponse {
  return {
    name: step.name,
    status: step.status,
    reason: step.reason,
    when: traceOf(stage, step.name),
    attempts: step.attempts.map(({ reason }) => reason),
    caches: step.attempts.at(-1)?.caches ?? [],
    deployments: step.attempts.flatMap(({ deployment }) => deployment ?? []),
  };
}
