import {
  EXIT_1,
  INTERRUPT,
  OK,
  finished,
  inOrder,
  reasonOf,
  sequential,
  settled,
  start,
  statuses,
  step,
  stepOf,
} from './run-plan.fixture.js';

const of = inOrder([
  sequential('a', [step('x', { outputs: ['v'] }), step('off', { when: 'false' }), step('y')]),
  sequential('b', [step('z', { run: 'echo ${{ steps.x.outputs.v }}' })]),
]);

describe('resume', () => {
  it('keeps what passed, with its outputs, and runs the rest again', async () => {
    const first = await finished(of, {
      script: ({ key }) =>
        key === 'a/x#1' ? { kind: 'success', outputs: { v: '42' } } : key === 'a/y#1' ? EXIT_1 : OK,
    });
    expect(statuses(first.state)).toMatchObject({ a: 'failed', 'a/off': 'skipped', b: 'skipped' });
    const second = await finished(of, { resumeFrom: first.state });
    expect(second.keys()).toEqual(['a/y#1', 'b/z#1']);
    expect(second.state.status).toBe('success');
    expect(second.state.failure).toBeUndefined();
    expect(stepOf(second.state, 'a', 'x')).toEqual(stepOf(first.state, 'a', 'x'));
    expect(stepOf(second.state, 'a', 'off')).toEqual(stepOf(first.state, 'a', 'off'));
    expect(stepOf(second.state, 'a', 'y').attempts).toHaveLength(1);
    expect(second.shell.calls[1]?.attempt.environment['MILLRACE_EXPR_1']).toBe('42');
  });

  it('keeps whole stages, and begins behind them', async () => {
    const first = start(of, { script: ({ key }) => (key === 'b/z#1' ? undefined : OK) });
    await settled();
    first.stop(INTERRUPT);
    const interrupted = await first.result;
    const second = await finished(of, { resumeFrom: interrupted.state });
    expect(second.keys()).toEqual(['b/z#1']);
    expect(second.state.stages[0]).toEqual(interrupted.state.stages[0]);
    expect(second.state.stages[1]?.startedAt).toBeDefined();
  });

  it('runs nothing when everything has passed', async () => {
    const first = await finished(of);
    const second = await finished(of, { resumeFrom: first.state });
    expect(second.keys()).toEqual([]);
    expect(second.state.status).toBe('success');
    expect(second.state.stages).toEqual(first.state.stages);
  });

  it('keeps a stage of which all needs are kept', async () => {
    const three = inOrder(['a', 'b', 'c', 'd'].map((name) => sequential(name, [step('x')])));
    const first = start(three, { script: ({ key }) => (key === 'd/x#1' ? undefined : OK) });
    await settled();
    first.stop(INTERRUPT);
    const second = await finished(three, { resumeFrom: (await first.result).state });
    expect(second.keys()).toEqual(['d/x#1']);
    expect(second.state.status).toBe('success');
  });

  it('asks a `when` again that depends on what runs again', async () => {
    const cleanup = inOrder([
      sequential('a', [step('x'), step('on-failure', { when: 'failure()' })]),
      sequential('b', [step('y')], { when: 'failure()' }),
    ]);
    const first = start(cleanup, { script: () => undefined });
    await settled();
    first.stop(INTERRUPT);
    const { state } = await first.result;
    const asIf = {
      ...state,
      stages: state.stages.map((stage) => ({
        ...stage,
        steps: stage.steps.map((one) =>
          one.name === 'on-failure'
            ? { ...one, status: 'skipped' as const, reason: { code: 'when_false', message: '' } }
            : one,
        ),
      })),
    };
    const second = await finished(cleanup, { resumeFrom: asIf, script: () => EXIT_1 });
    expect(second.keys()).toEqual(['a/x#1', 'a/on-failure#1', 'b/y#1']);
  });

  it('runs a stage again that was skipped because of a failure', async () => {
    const first = await finished(of, { script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK) });
    expect(reasonOf(first.state, 'b')?.code).toBe('need_failed');
    const second = await finished(of, { resumeFrom: first.state });
    expect(second.keys()).toEqual(['a/x#1', 'a/y#1', 'b/z#1']);
  });

  it('clones the commit that the earlier run found', async () => {
    const cloned = { ...of, repository: { url: 'https://example.org/x.git', branch: 'main' } };
    const commit = { sha: 'abc123', message: 'm', author: 'a' };
    const first = await finished(cloned, {
      git: () => ({ kind: 'success', commit }),
      script: () => EXIT_1,
    });
    const second = await finished(cloned, { resumeFrom: first.state });
    expect(second.git.calls[0]?.attempt.action).toMatchObject({
      repository: { branch: 'main', commit: 'abc123' },
    });
    expect(second.shell.calls[0]?.attempt.environment).toMatchObject({
      CI_BRANCH: 'main',
      CI_COMMIT: 'abc123',
    });
    expect(second.state.commit).toEqual(commit);
  });
});
