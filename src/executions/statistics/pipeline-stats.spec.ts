import type { FinishedExecution } from '../record/execution-lists.repository.js';
import { endedExecution } from '../record/execution.fixture.js';
import { percentile, percentiles, pipelineStats } from './pipeline-stats.js';

type Steps = FinishedExecution['stages'][number]['steps'];

const at = (time: string) => new Date(`2026-03-0${time}:00.000Z`);
const step = (name: string, status: Steps[number]['status'], flaky = false) => ({
  name,
  status,
  flaky,
});

function execution(
  status: Parameters<typeof endedExecution>[0],
  created_at: Date,
  times: { readonly queueMs?: number; readonly durationMs?: number } = {},
  steps: Steps = [],
): FinishedExecution {
  return { ...endedExecution(status, { created_at }, times), stages: [{ name: 'build', steps }] };
}

describe('percentile', () => {
  it.each([
    [50, [], null],
    [50, [7], 7],
    [95, [7], 7],
    [50, [1, 2], 1],
    [50, [1, 2, 3], 2],
    [95, Array.from({ length: 100 }, (_item, index) => index + 1), 95],
    [95, Array.from({ length: 20 }, (_item, index) => index + 1), 19],
    [100, [1, 2, 3], 3],
    [0, [1, 2, 3], 1],
  ] as [number, number[], number | null][])('%i of %j is %j', (percent, sorted, expected) => {
    expect(percentile(sorted, percent)).toBe(expected);
  });

  it('sorts by number', () => {
    expect(percentiles([10, 9, 100, 1_000, 2])).toEqual({ p50: 10, p95: 1_000 });
  });
});

describe('pipelineStats', () => {
  it('says nothing of nothing', () => {
    expect(pipelineStats([])).toEqual({
      by_status: {},
      success_rate: null,
      duration_ms: { p50: null, p95: null },
      queue_ms: { p50: null, p95: null },
      unsteady_steps: [],
      last_success: null,
      last_failure: null,
      by_day: [],
    });
  });

  it('counts, and judges success by what came to an end of its own', () => {
    const finished = [
      execution('cancelled', at('3T10:00')),
      execution('timeout', at('3T09:00')),
      execution('success', at('2T23:59')),
      execution('success', at('2T00:00')),
      execution('failed', at('1T12:00')),
    ];
    const stats = pipelineStats(finished);
    expect(stats.by_status).toEqual({ cancelled: 1, timeout: 1, success: 2, failed: 1 });
    expect(stats.success_rate).toBe(0.5);
    expect(stats.last_success?.id).toBe(finished[2]?._id);
    expect(stats.last_failure?.id).toBe(finished[1]?._id);
    expect(stats.by_day).toEqual([
      { day: '2026-03-01', success: 0, failed: 1, other: 0 },
      { day: '2026-03-02', success: 2, failed: 0, other: 0 },
      { day: '2026-03-03', success: 0, failed: 1, other: 1 },
    ]);
  });

  it('tells durations of successes, and queue times of all that started', () => {
    const never = { ...execution('cancelled', at('1T08:00')), started_at: null, duration: null };
    const skewed = execution('failed', at('1T09:00'), { queueMs: -50, durationMs: 9_000 });
    const stats = pipelineStats([
      execution('success', at('1T12:00'), { queueMs: 30, durationMs: 300 }),
      execution('success', at('1T11:00'), { queueMs: 20, durationMs: 100 }),
      execution('success', at('1T10:00'), { queueMs: 10, durationMs: 200 }),
      skewed,
      never,
    ]);
    expect(stats.duration_ms).toEqual({ p50: 200, p95: 300 });
    expect(stats.queue_ms).toEqual({ p50: 10, p95: 30 });
  });

  it('names the steps that are not steady, the worst first, by what ran', () => {
    const days = [
      [step('lint', 'success'), step('unit', 'success', true), step('e2e', 'failed')],
      [step('lint', 'success'), step('unit', 'success'), step('e2e', 'timeout')],
      [step('lint', 'success'), step('unit', 'failed'), step('e2e', 'skipped')],
      [step('lint', 'success'), step('unit', 'success'), step('e2e', 'cancelled')],
    ];
    const stats = pipelineStats(days.map((steps) => execution('failed', at('1T12:00'), {}, steps)));
    expect(stats.unsteady_steps).toEqual([
      { stage: 'build', step: 'e2e', runs: 2, failed: 2, flaky: 0, share: 1 },
      { stage: 'build', step: 'unit', runs: 4, failed: 1, flaky: 1, share: 0.5 },
    ]);
  });
});
