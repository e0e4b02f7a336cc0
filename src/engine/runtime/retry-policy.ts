import type { RetryCondition, RetryPlan } from '../plan/plan.js';
import { exitCodeOfSignal } from './signals.js';

/**
 * How an attempt failed, as the retry rules see it. `none`: never retried (a wrong expression stays
 * wrong).
 */
export type FailureClass = 'failure' | 'timeout' | 'infrastructure' | 'none';

export interface FailedAttempt {
  /** From 1. */
  readonly number: number;
  readonly failureClass: FailureClass;
  readonly exitCode?: number;
  readonly signal?: string;
}

/** Milliseconds to wait before the next attempt, or undefined if there is none. */
export function retryDelay(plan: RetryPlan, attempt: FailedAttempt): number | undefined {
  if (attempt.number > plan.max) return undefined;
  if (!plan.on.some((condition) => matches(condition, attempt))) return undefined;
  const { initialMs, factor, maxMs } = plan.backoff;
  return Math.min(maxMs, Math.round(initialMs * factor ** (attempt.number - 1)));
}

function matches(condition: RetryCondition, attempt: FailedAttempt): boolean {
  if (typeof condition === 'string') return condition === attempt.failureClass;
  if (attempt.failureClass !== 'failure') return false;
  const code = shellExitCode(attempt);
  return code !== undefined && condition.exitCodes.includes(code);
}

/** The exit code as a shell would tell it: a death by signal is 128 + its number. */
function shellExitCode(attempt: FailedAttempt): number | undefined {
  if (attempt.exitCode !== undefined) return attempt.exitCode;
  return attempt.signal === undefined ? undefined : exitCodeOfSignal(attempt.signal);
}
