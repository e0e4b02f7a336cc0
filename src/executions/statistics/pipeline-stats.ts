import type { RunStatus } from '../../engine/plan/run-state.js';
import type { FinishedExecution } from '../record/execution-lists.repository.js';

/** Milliseconds; `null` when there is nothing to tell them from. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface StepStats {
  readonly stage: string;
  readonly step: string;
  /** Executions in which it ran to an end. */
  readonly runs: number;
  readonly failed: number;
  /** Passed after a failed attempt. */
  readonly flaky: number;
  /** Of the runs: how many failed or were flaky, 0 to 1. */
  readonly share: number;
}

export interface DayStats {
  /** UTC, of the acceptance. */
  readonly day: string;
  readonly success: number;
  readonly failed: number;
  readonly other: number;
}

export interface LastExecution {
  readonly id: string;
  readonly finished_at: Date;
}

export interface PipelineStats {
  readonly by_status: Partial<Record<RunStatus, number>>;
  /** Successes among successes, failures and timeouts, 0 to 1. */
  readonly success_rate: number | null;
  readonly duration_ms: Percentiles;
  readonly queue_ms: Percentiles;
  readonly unsteady_steps: readonly StepStats[];
  readonly last_success: LastExecution | null;
  readonly last_failure: LastExecution | null;
  readonly by_day: readonly DayStats[];
}

/** Steps that are named at most, the least steady first. */
const STEPS_SHOWN = 20;

/**
 * Sums up executions that are over, newest first. Pure. Durations are those of successes: how long
 * a pipeline takes when it gets to its end. The queue time is from the acceptance to the first
 * start, of all that started.
 */
export function pipelineStats(finished: readonly FinishedExecution[]): PipelineStats {
  const by_status: Partial<Record<RunStatus, number>> = {};
  for (const { status } of finished) by_status[status] = (by_status[status] ?? 0) + 1;
  const good = by_status.success ?? 0;
  const judged = good + (by_status.failed ?? 0) + (by_status.timeout ?? 0);
  return {
    by_status,
    success_rate: judged === 0 ? null : good / judged,
    duration_ms: percentiles(
      finished.flatMap(({ status, duration }) => (status === 'success' ? (duration ?? []) : [])),
    ),
    queue_ms: percentiles(finished.flatMap(queueTime)),
    unsteady_steps: unsteadySteps(finished),
    last_success: lastOf(finished, ['success']),
    last_failure: lastOf(finished, ['failed', 'timeout']),
    by_day: byDay(finished),
  };
}

/** Median and 95th percentile. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: percentile(sorted, 50), p95: percentile(sorted, 95) };
}

/**
 * By the nearest rank: the smallest of the sorted values that at least `percent` % of them do not
 * pass.
 */
export function percentile(sorted: readonly number[], percent: number): number | null {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? null;
}

function queueTime({ created_at, started_at }: FinishedExecution): number[] {
  if (started_at === null) return [];
  // The two times are of two machines.
  return [Math.max(0, started_at.getTime() - created_at.getTime())];
}

function unsteadySteps(finished: readonly FinishedExecution[]): StepStats[] {
  const counts = new Map<
    string,
    { stage: string; step: string; runs: number; failed: number; flaky: number }
  >();
  for (const { stages } of finished) {
    for (const { name: stage, steps } of stages) {
      for (const { name: step, status, flaky } of steps) {
        const failed = status === 'failed' || status === 'timeout';
        if (!failed && status !== 'success') continue;
        const key = JSON.stringify([stage, step]);
        const count = counts.get(key) ?? { stage, step, runs: 0, failed: 0, flaky: 0 };
        count.runs += 1;
        count.failed += failed ? 1 : 0;
        count.flaky += flaky ? 1 : 0;
        counts.set(key, count);
      }
    }
  }
  return [...counts.values()]
    .filter(({ failed, flaky }) => failed + flaky > 0)
    .map((count) => ({ ...count, share: (count.failed + count.flaky) / count.runs }))
    .sort((a, b) => b.share - a.share || b.runs - a.runs)
    .slice(0, STEPS_SHOWN);
}

function lastOf(
  finished: readonly FinishedExecution[],
  statuses: readonly RunStatus[],
): LastExecution | null {
  const last = finished.find(({ status }) => statuses.includes(status));
  return last?.finished_at ? { id: last._id, finished_at: last.finished_at } : null;
}

function byDay(finished: readonly FinishedExecution[]): DayStats[] {
  const days = new Map<string, { success: number; failed: number; other: number }>();
  for (const { created_at, status } of finished) {
    const day = created_at.toISOString().slice(0, 10);
    const counts = days.get(day) ?? { success: 0, failed: 0, other: 0 };
    if (status === 'success') counts.success += 1;
    else if (status === 'failed' || status === 'timeout') counts.failed += 1;
    else counts.other += 1;
    days.set(day, counts);
  }
  return [...days]
    .map(([day, counts]) => ({ day, ...counts }))
    .sort((a, b) => (a.day < b.day ? -1 : 1));
}
