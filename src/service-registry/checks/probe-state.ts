import type { ProbeFailureCode, ProbeResult, ServiceCheck } from './service-check.js';

/**
 * `starting`: not decided yet; `running`: it passes; `unknown`: nobody has looked for too long.
 */
export type EndpointStatus = 'starting' | 'running' | 'failed' | 'unknown';

/** What is known of one endpoint. Times are milliseconds since 1970. */
export interface ProbeState {
  readonly status: EndpointStatus;
  readonly since: number;
  /** Of one that is `unknown`: what it was before. */
  readonly was: 'running' | 'failed' | null;
  /** Good answers in a row; bad ones are below 0. */
  readonly streak: number;
  /** When it changed between running and failed, within the window. */
  readonly changes: readonly number[];
  readonly flapping: boolean;
  /** The last bad answer since it last passed. */
  readonly problem: EndpointProblem | null;
}

export interface EndpointProblem {
  readonly code: ProbeFailureCode;
  readonly message: string;
}

/** It flaps at so many changes within the window, until it has kept calm. */
export const FLAPPING_CHANGES = 4;
export const FLAPPING_WINDOW_MS = 600_000;
export const CALM_MS = 300_000;

export function newProbeState(at: number): ProbeState {
  return {
    ...{ status: 'starting', since: at, was: null, streak: 0, changes: [], flapping: false },
    problem: null,
  };
}

/** The state after one more answer. */
export function probed(
  state: ProbeState,
  rules: Pick<ServiceCheck, 'up' | 'down'>,
  result: ProbeResult,
  at: number,
): ProbeState {
  if (result.ok === null) return notLooked(state, result, at);
  const streak = result.ok ? Math.max(state.streak, 0) + 1 : Math.min(state.streak, 0) - 1;
  const decided = decide(state, rules, streak);
  const before = state.status === 'unknown' ? state.was : state.status;
  const isTurn =
    (before === 'running' && decided === 'failed') ||
    (before === 'failed' && decided === 'running');
  const recent = [
    ...state.changes.filter((time) => at - time < FLAPPING_WINDOW_MS),
    ...(isTurn ? [at] : []),
  ];
  const isCalm = state.flapping && recent.every((time) => at - time >= CALM_MS);
  const changes = isCalm ? [] : recent;
  return {
    status: decided,
    since: decided === state.status ? state.since : at,
    was: decided === 'unknown' ? state.was : null,
    streak,
    changes,
    flapping: !isCalm && (state.flapping || changes.length >= FLAPPING_CHANGES),
    problem: problemAfter(state, result, decided),
  };
}

/** The state of an endpoint that nobody has looked at since `at`. What it was is kept. */
export function unobserved(state: ProbeState, at: number): ProbeState {
  const { status } = state;
  if (status === 'unknown') return state;
  const was = status === 'starting' ? null : status;
  return { ...state, status: 'unknown', since: Math.max(at, state.since), was, streak: 0 };
}

/** The state of one at which nobody could look, and why. */
export function notLooked(state: ProbeState, problem: EndpointProblem, at: number): ProbeState {
  return { ...unobserved(state, at), problem: { code: problem.code, message: problem.message } };
}

/**
 * What an endpoint was before nobody looked it is again with the first answer that says so; all
 * else takes the thresholds.
 */
function decide(
  { status, was }: ProbeState,
  { up, down }: Pick<ServiceCheck, 'up' | 'down'>,
  streak: number,
): EndpointStatus {
  if (status === 'unknown') {
    if (was === 'running' && streak > 0) return 'running';
    if (was === 'failed' && streak < 0) return 'failed';
  }
  if (status !== 'running' && streak >= up) return 'running';
  if (status !== 'failed' && -streak >= down) return 'failed';
  return status;
}

function problemAfter(
  { problem }: ProbeState,
  result: Exclude<ProbeResult, { ok: null }>,
  decided: EndpointStatus,
): EndpointProblem | null {
  if (!result.ok) return { code: result.code, message: result.message };
  return decided === 'running' ? null : problem;
}
