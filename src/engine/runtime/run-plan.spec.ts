import {
  EXIT_1,
  OK,
  finished,
  inOrder,
  parallel,
  plan,
  reasonOf,
  sequential,
  start,
  statuses,
  step,
  settled,
  stepOf,
} from './run-plan.fixture.js';

describe('order', () => {
  it('runs the steps of a sequential stage one after another', async () => {
    const { state, keys, shell } = await finished(
      inOrder([sequential('build', [step('a'), step('b'), step('c')])]),
    );
    expect(keys()).toEqual(['build/a#1', 'build/b#1', 'build/c#1']);
    expect(shell.mostAtOnce).toBe(1);
    expect(state.status).toBe('success');
    expect(statuses(state)).toEqual({
      build: 'success',
      'build/a': 'success',
      'build/b': 'success',
      'build/c': 'success',
    });
  });

  it('runs stages one after another, and several that are ready at once', async () => {
    const bench = start(
      plan([
        parallel('a', [step('x')]),
        parallel('b', [step('x')], { needs: ['a'] }),
        parallel('c', [step('x')], { needs: ['a'] }),
        parallel('d', [step('x')], { needs: ['b', 'c'] }),
      ]),
      { script: () => undefined },
    );
    await settled();
    expect(bench.keys()).toEqual(['a/x#1']);
    expect(reasonOf(bench.last(), 'd')).toMatchObject({
      code: 'needs',
      data: { needs: ['b', 'c'] },
    });
    bench.call('a/x#1').end(OK);
    await settled();
    expect(bench.keys().slice(1)).toEqual(['b/x#1', 'c/x#1']);
    bench.call('c/x#1').end(OK);
    await settled();
    expect(reasonOf(bench.last(), 'd')).toMatchObject({ code: 'needs', data: { needs: ['b'] } });
    bench.call('b/x#1').end(OK);
    await settled();
    bench.call('d/x#1').end(OK);
    expect((await bench.result).state.status).toBe('success');
  });

  it('skips the rest of a stage and the later stages after a failure', async () => {
    const { state, keys } = await finished(
      inOrder([
        sequential('build', [step('a'), step('b'), step('c')]),
        sequential('test', [step('d')]),
      ]),
      { script: ({ key }) => (key === 'build/a#1' ? EXIT_1 : OK) },
    );
    expect(keys()).toEqual(['build/a#1']);
    expect(statuses(state)).toEqual({
      build: 'failed',
      'build/a': 'failed',
      'build/b': 'skipped',
      'build/c': 'skipped',
      test: 'skipped',
      'test/d': 'skipped',
    });
    expect(state).toMatchObject({
      status: 'failed',
      reason: { code: 'step_failed' },
      failure: {
        stage: 'build',
        step: 'a',
        exitCode: 1,
        reason: { code: 'exit_code' },
        lastLines: ['last of a#1'],
      },
    });
    expect(stepOf(state, 'build', 'c').reason).toMatchObject({
      code: 'need_failed',
      data: { needs: ['b'], failed: 'a' },
    });
  });
});
