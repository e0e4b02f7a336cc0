import type { RunState, StepState } from '../../engine/plan/run-state.js';
import { runSpans as maskedRunSpans } from './run-spans.js';

const runSpans = (state: RunState) => maskedRunSpans(state, (text) => text);

const step = (changes: Partial<StepState>): StepState => ({
  name: 'x',
  status: 'success',
  startedAt: 10,
  finishedAt: 20,
  attempts: [{ number: 1, status: 'success', startedAt: 10, finishedAt: 20, exitCode: 0 }],
  ...changes,
});
const run = (changes: Partial<RunState>): RunState => ({
  status: 'success',
  stages: [],
  onFailure: [],
  always: [],
  ...changes,
});

describe('the spans of a run', () => {
  it('leave out stages that an earlier attempt ran', () => {
    const reason = { code: 'kept', message: 'passed in attempt 1' };
    const stage = { name: 'a', status: 'success', startedAt: 10, finishedAt: 30 } as const;
    const kept = { ...stage, reason, steps: [step({ reason })] };
    const spans = runSpans(run({ stages: [kept, { ...stage, name: 'b', steps: [] }] }));
    expect(spans.map(({ name }) => name)).toEqual(['stage b']);
  });

  it('are its checkout, its stages with their steps and tries, and its hooks', () => {
    const stage = { name: 'a', status: 'success', startedAt: 10, finishedAt: 30 } as const;
    const [checkout, one, hook] = runSpans(
      run({
        checkout: step({ name: 'checkout' }),
        stages: [{ ...stage, steps: [step({ flaky: true })] }],
        always: [step({ name: 'tidy' })],
      }),
    );
    expect(checkout).toMatchObject({ name: 'step checkout', attributes: { 'millrace.stage': '' } });
    expect(one).toMatchObject({
      name: 'stage a',
      startedAt: 10,
      endedAt: 30,
      parts: [
        {
          name: 'step x',
          attributes: { 'millrace.stage': 'a', 'millrace.step': 'x', 'millrace.flaky': true },
          parts: [
            {
              name: 'try 1',
              attributes: { 'millrace.attempt': 1, 'process.exit.code': 0 },
              parts: [],
            },
          ],
        },
      ],
    });
    expect(hook).toMatchObject({ name: 'step tidy', attributes: { 'millrace.stage': 'always' } });
  });

  it('leave out what never started', () => {
    const skipped = step({ status: 'skipped', startedAt: undefined, attempts: [] });
    expect(runSpans(run({ always: [skipped] }))).toEqual([]);
  });

  it.each([
    ['failed', 'failed'],
    ['timeout', 'timeout'],
    ['cancelled', 'cancelled'],
    ['success', undefined],
  ] as const)('say of %s that the failure is %s', (status, failure) => {
    const reason = { code: 'why', message: 'm' };
    const [span] = runSpans(run({ always: [step({ status, reason })] }));
    expect(span?.failure).toBe(failure);
    expect(span?.attributes).toMatchObject({ 'millrace.status': status, 'millrace.reason': 'why' });
  });

  it('end, where an interrupted run has no end, with the last of their parts', () => {
    const running = { number: 2, status: 'running', startedAt: 25 } as const;
    const attempts = [...step({}).attempts, running];
    const [span] = runSpans(run({ always: [step({ finishedAt: undefined, attempts })] }));
    expect(span?.endedAt).toBe(25);
  });

  it('hide secrets in names', () => {
    const stage = { name: 'secret', status: 'success', startedAt: 10, finishedAt: 30 } as const;
    const spans = maskedRunSpans(
      run({ stages: [{ ...stage, steps: [step({ name: 'secret' })] }] }),
      (text) => text.replaceAll('secret', '***'),
    );
    expect(JSON.stringify(spans)).not.toContain('secret');
    expect(spans[0]?.name).toBe('stage ***');
  });
});
