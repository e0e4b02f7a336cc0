import {
  EXIT_1,
  OK,
  finished,
  inOrder,
  sequential,
  settled,
  start,
  step,
  stepOf,
} from './run-plan.fixture.js';
import type { Script } from './run-plan.fixture.js';

const of = inOrder([sequential('a', [step('x')])], {
  onFailure: [step('f1'), step('f2')],
  always: [step('h1'), step('h2')],
});
const failing: Script = ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK);

describe('hooks', () => {
  it('after a success: always only', async () => {
    const { keys, state } = await finished(of);
    expect(keys()).toEqual(['a/x#1', 'always/h1#1', 'always/h2#1']);
    expect(state.status).toBe('success');
    expect(state.onFailure[0]).toMatchObject({ status: 'skipped', reason: { code: 'not_failed' } });
  });

  it('after a failure: on_failure, then always, one by one', async () => {
    const { keys, state, shell } = await finished(of, { script: failing });
    expect(keys().slice(1)).toEqual([
      'on_failure/f1#1',
      'on_failure/f2#1',
      'always/h1#1',
      'always/h2#1',
    ]);
    expect(shell.mostAtOnce).toBe(1);
    expect(shell.calls[1]?.attempt.environment).toMatchObject({
      CI_STAGE: 'on_failure',
      CI_STEP: 'f1',
    });
    expect(state.status).toBe('failed');
  });

  it('after a timeout of the execution: both', async () => {
    const bench = start(
      { ...of, timeoutMs: 1000 },
      {
        script: ({ key }) => (key === 'a/x#1' ? undefined : OK),
      },
    );
    await bench.clock.advance(1000);
    expect((await bench.result).state.status).toBe('timeout');
    expect(bench.keys()).toContain('on_failure/f1#1');
  });

  it('a failed hook keeps no other from running and changes nothing of the run', async () => {
    const { state } = await finished(of, {
      script: ({ key }) => (key === 'always/h1#1' ? { kind: 'failed', exitCode: 9 } : OK),
    });
    expect(state.status).toBe('success');
    expect(state.failure).toBeUndefined();
    expect(stepOf(state, 'always', 'h1')).toMatchObject({
      status: 'failed',
      exitCode: 9,
      reason: { code: 'exit_code' },
    });
    expect(stepOf(state, 'always', 'h2').status).toBe('success');
  });

  it('asks their `when` about the run, with no success() before it', async () => {
    const { state, traces } = await finished(
      inOrder([sequential('a', [step('x', { outputs: [] })])], {
        always: [
          step('plain', { when: 'true' }),
          step('failure', { when: 'failure()' }),
          step('success', { when: 'success()' }),
          step('cancelled', { when: 'cancelled()' }),
          step('reads', { when: "steps.x.status == 'failed' && stages.a.status == 'failed'" }),
          step('wrong', { when: 'nonsense(' }),
        ],
      }),
      { script: failing },
    );
    expect(state.always.map((hook) => hook.status)).toEqual([
      'success',
      'success',
      'skipped',
      'skipped',
      'success',
      'failed',
    ]);
    expect(traces.map(({ stage, step: name }) => `${stage}/${name}`)).toContain('always/success');
  });

  it('may take what is left of the limit, at least 60 s', async () => {
    const bench = start(
      { ...of, timeoutMs: 100_000 },
      {
        script: ({ key }) => (key.startsWith('always') ? undefined : OK),
      },
    );
    await bench.clock.advance(99_999);
    expect(bench.call('always/h1#1').signal.aborted).toBe(false);
    await bench.clock.advance(1);
    const { state } = await bench.result;
    expect(state.status).toBe('success');
    expect(stepOf(state, 'always', 'h1')).toMatchObject({
      status: 'timeout',
      reason: { data: { scope: 'hooks', limit_ms: 100_000 } },
    });
    expect(stepOf(state, 'always', 'h2').reason?.code).toBe('hooks_deadline');
  });

  it('have 60 s when less is left', async () => {
    const bench = start(
      { ...of, timeoutMs: 1000 },
      {
        script: ({ key }) => (key.startsWith('always') ? undefined : OK),
      },
    );
    await bench.clock.advance(59_999);
    bench.call('always/h1#1').end(OK);
    await settled();
    expect(bench.call('always/h2#1').signal.aborted).toBe(false);
    bench.call('always/h2#1').end(OK);
    expect((await bench.result).state.status).toBe('success');
  });

  it('retry by their own rules', async () => {
    const bench = start(
      inOrder([sequential('a', [step('x')])], { always: [step('h', { retry: { max: 1 } })] }),
      { script: ({ key }) => (key === 'always/h#1' ? EXIT_1 : OK) },
    );
    await bench.clock.advance(1000);
    expect(stepOf((await bench.result).state, 'always', 'h')).toMatchObject({
      status: 'success',
      flaky: true,
    });
  });
});
