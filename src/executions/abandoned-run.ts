import { isTerminal } from '../engine/plan/run-status.js';
import { executionReasons } from './execution-reasons.js';
import type { ExecutionRecord } from './execution.schema.js';
import type { StoredReason, StoredRun, StoredStage, StoredStep } from './stored-state.js';

/**
 * The state of a run whose attempt will never tell its end: what ran is given `status`, what had not begun is skipped (by a
 * cancel: `cancelled` too), and all of it carries the reason. What was over stays as it is.
 */
export function abandonedRun(
  run: StoredRun,
  status: 'failed' | 'cancelled',
  reason: StoredReason,
  at: Date,
): StoredRun {
  const unbegun = status === 'cancelled' ? 'cancelled' : 'skipped';
  const step = (state: StoredStep): StoredStep => {
    if (isTerminal(state.status)) return state;
    const begun = state.started_at !== null;
    return {
      ...state,
      ...end(state.started_at, begun ? status : unbegun, reason, at),
      attempts: state.attempts.map((attempt) =>
        isTerminal(attempt.status)
          ? attempt
          : { ...attempt, ...end(attempt.started_at, status, reason, at) },
      ),
    };
  };
  const stage = (state: StoredStage): StoredStage => {
    if (isTerminal(state.status)) return state;
    const begun = state.started_at !== null;
    return {
      ...state,
      ...end(state.started_at, begun ? status : unbegun, reason, at),
      steps: state.steps.map(step),
    };
  };
  return {
    checkout: run.checkout ? step(run.checkout) : null,
    stages: run.stages.map(stage),
    on_failure: run.on_failure.map(step),
    always: run.always.map(step),
    failure: run.failure,
    commit: run.commit,
  };
}

/** The end of an execution that was cancelled while no worker had it. */
export function cancelledRun(
  execution: StoredRun & Pick<ExecutionRecord, 'cancel_requested'>,
): StoredRun & { readonly status: 'cancelled'; readonly reason: StoredReason } {
  const { by, reason: why } = execution.cancel_requested ?? { by: 'a user' };
  const reason = executionReasons.cancelled(by, why);
  return {
    status: 'cancelled',
    reason,
    ...abandonedRun(execution, 'cancelled', reason, new Date()),
  };
}

function end<S extends 'failed' | 'cancelled' | 'skipped'>(
  startedAt: Date | null,
  status: S,
  reason: StoredReason,
  at: Date,
): { status: S; reason: StoredReason; finished_at: Date | null; duration: number | null } {
  if (startedAt === null) return { status, reason, finished_at: null, duration: null };
  return { status, reason, finished_at: at, duration: at.getTime() - startedAt.getTime() };
}
