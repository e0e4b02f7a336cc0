import type { RunContext } from '../../engine/plan/plan.js';
import type { ExecutionRecord } from './execution.schema.js';

/** What the trigger of an execution decides, in the engine's words. */
export function runContextOf(
  execution: Pick<
    ExecutionRecord,
    | '_id'
    | 'pipeline_id'
    | 'pipeline_name'
    | 'attempt'
    | 'trigger_info'
    | 'clone_url'
    | 'rerun_of'
    | 'inputs'
    | 'environment'
  >,
): RunContext {
  const info = execution.trigger_info;
  return {
    executionId: execution._id,
    pipelineId: execution.pipeline_id,
    pipelineName: execution.pipeline_name,
    executionAttempt: Math.max(execution.attempt, 1),
    trigger: {
      event: info.trigger_type,
      actor: info.triggered_by,
      branch: info.branch,
      tag: info.tag,
      commit: info.commit_hash,
      repository: execution.clone_url ?? undefined,
      rerun_of: execution.rerun_of ?? undefined,
    },
    inputs: execution.inputs,
    environment: execution.environment,
  };
}
