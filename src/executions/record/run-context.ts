import type { RunContext, TriggerContext } from '../../engine/plan/plan.js';
import { runCauseOf } from './run-cause.js';
import type { EventInfo, ExecutionRecord } from './execution.schema.js';

/** What the trigger of an execution decides, in the engine's words. */
export function runContextOf(
  execution: Pick<
    ExecutionRecord,
    | '_id'
    | 'pipeline_id'
    | 'pipeline_name'
    | 'number'
    | 'attempt'
    | 'trigger_info'
    | 'clone_url'
    | 'payload'
    | 'rerun_of'
    | 'inputs'
    | 'environment'
    | 'asked'
    | 'plan_hash'
  >,
): RunContext {
  const info = execution.trigger_info;
  return {
    executionId: execution._id,
    pipelineId: execution.pipeline_id,
    pipelineName: execution.pipeline_name,
    executionNumber: execution.number ?? undefined,
    executionAttempt: Math.max(execution.attempt, 1),
    trigger: {
      event: info.trigger_type,
      actor: info.triggered_by,
      branch: info.branch,
      tag: info.tag,
      commit: info.commit_hash,
      repository: execution.clone_url ?? undefined,
      rerun_of: execution.rerun_of ?? undefined,
      payload: execution.payload ?? undefined,
      ...eventContext(info.event),
    },
    cause: runCauseOf(execution),
    inputs: execution.inputs,
    environment: execution.environment,
  };
}

function eventContext(event: EventInfo | undefined): Partial<TriggerContext> {
  if (event === undefined) return {};
  const { message, author, title, before, number, fork, default_branch, repository } = event;
  return {
    message,
    author,
    title,
    before,
    number,
    fork,
    default_branch,
    repository_name: repository,
    ...(event.base_branch !== undefined && {
      base: { branch: event.base_branch, commit: event.base_commit },
    }),
    ...(event.head_branch !== undefined && { head: { branch: event.head_branch } }),
  };
}
