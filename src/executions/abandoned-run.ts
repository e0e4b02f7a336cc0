import { isTerminal } from '../engine/plan/run-status.js';
import type { StoredReason, StoredRun, StoredStage, StoredStep } from './stored-state.js';

/**
 * The state of a run whose attempt will never tell its end: what ran is given `status`, what had not begun is skipped,
 * and all of it carries the reason. What was over stays as it is.
 */
export function abandonedRun(
  run: StoredRun,
  status: 'failed' | 'cancelled',
  reason: StoredReason,
  at: Date,
): StoredRun {
  const step = (state: StoredStep): StoredStep => {
    if (isTerminal(state.status)) return state;
    const begun = state.started_at !== null;
    return {
      ...state,
      ...end(state.started_at, begun ? status : 'skipped', reason, at),
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
      ...end(state.started_at, begun ? status : 'skipped', reason, at),
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

function end<S extends 'failed' | 'cancelled' | 'skipped'>(
  startedAt: Date | null,
  status: S,
  reason: StoredReason,
  at: Date,
): { status: S; reason: StoredReason; finished_at: Date | null; duration: number | null } {
  if (startedAt === null) return { status, reason, finished_at: null, duration: null };
  return { status, reason, finished_at: at, duration: at.getTime() - startedAt.getTime() };
}
