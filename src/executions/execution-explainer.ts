import { Injectable } from '@nestjs/common';
import type { WhenTrace } from '../engine/plan/run-state.js';
import type { WorkerRecord } from '../workers/worker.schema.js';
import { WorkersRepository } from '../workers/workers.repository.js';
import { placementResponse } from './dto/execution.response.js';
import type {
  ExplainedStageResponse,
  ExplainedStepResponse,
  ExplanationResponse,
  QueueResponse,
} from './dto/explanation.response.js';
import { labelsOfQueue, servesQueue } from './execution-queue.js';
import { executionReasons } from './execution-reasons.js';
import type { StoredTrace } from './execution-trace.schema.js';
import { ExecutionTracesRepository } from './execution-traces.repository.js';
import type { ExecutionRecord } from './execution.schema.js';
import { ExecutionListsRepository } from './execution-lists.repository.js';
import type { StoredReason, StoredStage, StoredStep } from './stored-state.js';

type TraceOf = (stage: string, step: string | null) => WhenTrace | null;

/** Says why everything of an execution is as it is: the stored reasons, with the queue's state while it is pending. */
@Injectable()
export class ExecutionExplainer {
  constructor(
    private readonly traces: ExecutionTracesRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly workers: WorkersRepository,
  ) {}

  async explain(execution: ExecutionRecord): Promise<ExplanationResponse> {
    const traceOf = finder(await this.traces.find(execution._id, execution.attempt));
    const queue = execution.status === 'pending' ? await this.queueOf(execution) : null;
    const info = execution.trigger_info;
    return {
      id: execution._id,
      status: execution.status,
      reason: queue ? pendingReason(execution, queue) : execution.reason,
      trigger: `${info.trigger_type}, by ${info.triggered_by}`,
      queue,
      placements: execution.placements.map(placementResponse),
      checkout: execution.checkout ? explainStep('', execution.checkout, traceOf) : null,
      stages: execution.stages.map((stage) => explainStage(stage, traceOf)),
      on_failure: execution.on_failure.map((step) => explainStep('on_failure', step, traceOf)),
      always: execution.always.map((step) => explainStep('always', step, traceOf)),
    };
  }

  private async queueOf(execution: ExecutionRecord): Promise<QueueResponse> {
    const [ahead, workers] = await Promise.all([
      this.lists.pendingBefore(execution.queue, execution._id),
      this.workers.live(),
    ]);
    const able = workers.filter(
      ({ status, labels }) => status === 'active' && servesQueue(labels, execution.queue),
    );
    return {
      labels: labelsOfQueue(execution.queue),
      ahead,
      workers: able.length,
      free_slots: able.reduce((sum, worker) => sum + freeSlots(worker), 0),
      refusals: able.flatMap(({ name, refusal }) =>
        refusal ? [{ ...refusal, message: `${name}: ${refusal.message}` }] : [],
      ),
    };
  }
}

/** What was stored says why it was offered; what hinders it now is seen only now. */
function pendingReason(execution: ExecutionRecord, queue: QueueResponse): StoredReason | null {
  if (queue.workers === 0) return executionReasons.noWorker(queue.labels);
  if (queue.refusals.length === queue.workers) return executionReasons.workersRefuse();
  return execution.reason;
}

function freeSlots({ concurrency, running, refusal }: WorkerRecord): number {
  return refusal ? 0 : Math.max(0, concurrency - running);
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
  };
}
