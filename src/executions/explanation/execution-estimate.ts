import type { FinishedExecution } from '../record/execution-lists.repository.js';
import { percentile } from '../statistics/pipeline-stats.js';

/** A guess from what the pipeline did before. */
export interface DurationEstimate {
  /** Median of the successes that it was made from, milliseconds. */
  readonly duration_ms: number;
  /** Since the start; 0 before it. */
  readonly elapsed_ms: number;
  /** 0: it takes longer than usual. */
  readonly remaining_ms: number;
  /** Successful executions that it was made from. */
  readonly based_on: number;
}

/** What the wait for a worker depends on. */
export interface QueueState {
  readonly ahead: number;
  /** Of workers that take executions. */
  readonly slots: number;
  readonly freeSlots: number;
}

/** Successful executions that an estimate is made from at most. */
const SUCCESSES = 20;

/** Null when the pipeline has no success to tell from. Pure. */
export function durationEstimate(
  finished: readonly FinishedExecution[],
  startedAt: Date | null,
  now: Date,
): DurationEstimate | null {
  const successes = finished.filter(({ status }) => status === 'success').slice(0, SUCCESSES);
  const duration_ms = medianDuration(successes);
  if (duration_ms === null) return null;
  const elapsed_ms = startedAt ? Math.max(0, now.getTime() - startedAt.getTime()) : 0;
  return {
    duration_ms,
    elapsed_ms,
    remaining_ms: Math.max(0, duration_ms - elapsed_ms),
    based_on: successes.length,
  };
}

/**
 * Milliseconds until a slot is free for the one behind `ahead` others, when each execution takes
 * the median of the last ones. Null: no slot, or nothing to tell from. Pure.
 */
export function waitEstimate(
  { ahead, slots, freeSlots }: QueueState,
  lately: readonly FinishedExecution[],
): number | null {
  if (slots === 0) return null;
  if (ahead < freeSlots) return 0;
  const duration = medianDuration(lately);
  return duration === null ? null : Math.round(((ahead + 1 - freeSlots) / slots) * duration);
}

function medianDuration(finished: readonly FinishedExecution[]): number | null {
  const durations = finished.flatMap(({ duration }) => duration ?? []).sort((a, b) => a - b);
  return percentile(durations, 50);
}
