import { Metrics } from '../../../common/metrics/metrics.js';
import { FakeHandler } from '../../../engine/runtime/run-plan.fixture.js';
import type { StepAttempt, StepOutcome } from '../../../engine/runtime/step-handler.js';
import { MeasuredStepHandler } from './measured-step.handler.js';

const silent = { begin: () => undefined, tell: () => undefined };

describe('MeasuredStepHandler', () => {
  let metrics: Metrics;
  beforeEach(() => (metrics = new Metrics()));

  async function run(kind: 'shell' | 'git', outcome: StepOutcome, attempt = 1, stop?: unknown) {
    const abort = new AbortController();
    if (stop !== undefined) abort.abort(stop);
    const address = { stage: 's', step: 'x', attempt };
    const measured = new MeasuredStepHandler(new FakeHandler(kind, () => outcome), metrics);
    expect(await measured.run({ address } as StepAttempt, abort.signal, silent)).toBe(outcome);
    return metrics.registry.metrics();
  }
  const counted = (kind: string, outcome: string) =>
    `millrace_step_duration_seconds_count{kind="${kind}",outcome="${outcome}"} 1`;

  it('times a try by its kind and its end', async () => {
    expect(await run('shell', { kind: 'success' })).toContain(counted('shell', 'success'));
    expect(await run('git', { kind: 'failed' })).toContain(counted('git', 'failed'));
  });

  it('tells a time limit from a cancel', async () => {
    const timeout = { code: 'timeout' };
    expect(await run('shell', { kind: 'aborted' }, 1, timeout)).toContain(
      counted('shell', 'timeout'),
    );
    expect(await run('shell', { kind: 'aborted' }, 1, {})).toContain(counted('shell', 'cancelled'));
  });

  it('counts tries after the first as retries', async () => {
    expect(await run('shell', { kind: 'success' }, 1)).toContain('step_retries_total 0');
    expect(await run('shell', { kind: 'success' }, 2)).toContain('step_retries_total 1');
  });

  it('counts clones that failed by the code of git, and nothing else as such', async () => {
    const reason = (code: string) => ({ code, message: 'm' });
    await run('shell', { kind: 'failed', reason: reason('git_unreachable') });
    await run('git', { kind: 'infrastructure', reason: reason('workspace_unusable') });
    const text = await run('git', { kind: 'infrastructure', reason: reason('git_unreachable') });
    expect(text.match(/dependency_errors_total\{.*/g)).toEqual([
      'dependency_errors_total{dependency="git",code="unreachable"} 1',
    ]);
  });

  it('counts a defect of a handler, and lets it through', async () => {
    const broken = new FakeHandler('shell', () => {
      throw new Error('defect');
    });
    const attempt = { address: { stage: 's', step: 'x', attempt: 1 } } as StepAttempt;
    const run = new MeasuredStepHandler(broken, metrics).run(
      attempt,
      new AbortController().signal,
      silent,
    );
    await expect(run).rejects.toThrow('defect');
    expect(await metrics.registry.metrics()).toContain(counted('shell', 'internal_error'));
  });
});
