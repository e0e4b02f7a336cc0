import { isTerminal } from '../../engine/plan/run-status.js';
import type {
  StoredAttempt,
  StoredReason,
  StoredRun,
  StoredStage,
  StoredStep,
} from '../record/stored-state.js';

/** A step attempt that printed something, whatever was reported of it. */
export interface SeenAttempt {
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
  /** When it was first seen. */
  readonly at: Date;
}

/**
 * The state of a run whose attempt will never tell its end: what ran is given `status`, what had
 * not begun is skipped (by a cancel: `cancelled` too), and all of it carries the reason. What was
 * over stays as it is. What is among `seen` had begun.
 */
export function abandonedRun(
  run: StoredRun,
  status: 'failed' | 'cancelled',
  reason: StoredReason,
  at: Date,
  seen: readonly SeenAttempt[] = [],
): StoredRun {
  const unbegun = status === 'cancelled' ? 'cancelled' : 'skipped';
  const step = (stage: string, reported: StoredStep): StoredStep => {
    if (isTerminal(reported.status)) return reported;
    const state = withSeen(
      reported,
      seen.filter((each) => each.stage === stage && each.step === reported.name),
    );
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
  const stage = (reported: StoredStage): StoredStage => {
    if (isTerminal(reported.status)) return reported;
    const state = withSeen(
      reported,
      seen.filter((each) => each.stage === reported.name),
    );
    const begun = state.started_at !== null;
    return {
      ...state,
      ...end(state.started_at, begun ? status : unbegun, reason, at),
      steps: reported.steps.map((each) => step(reported.name, each)),
    };
  };
  return {
    checkout: run.checkout ? step('', run.checkout) : null,
    stages: run.stages.map(stage),
    on_failure: run.on_failure.map((each) => step('on_failure', each)),
    always: run.always.map((each) => step('always', each)),
    failure: run.failure,
    commit: run.commit,
  };
}

/** With the start, and the attempts, that nobody could tell any more. */
function withSeen<T extends StoredStage | StoredStep>(state: T, seen: readonly SeenAttempt[]): T {
  const [first] = seen.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  if (!first) return state;
  const started = { ...state, started_at: state.started_at ?? first.at };
  if (!('attempts' in started)) return started;
  const unreported = seen.filter(
    ({ attempt }) => !started.attempts.some(({ number }) => number === attempt),
  );
  return { ...started, attempts: [...started.attempts, ...unreported.map(seenAttempt)] };
}

function seenAttempt({ attempt, at }: SeenAttempt): StoredAttempt {
  return {
    number: attempt,
    status: 'running',
    reason: null,
    started_at: at,
    finished_at: null,
    duration: null,
    exit_code: null,
    signal: null,
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
