import type { RunState } from '../plan/run-state.js';
import {
  context,
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
import type { BenchOptions } from './run-plan.fixture.js';
import type { Plan } from '../plan/plan.js';

const of = inOrder([
  sequential('a', [step('x', { outputs: ['v'] }), step('off', { when: 'false' }), step('y')]),
  sequential('b', [step('z', { run: 'echo ${{ steps.x.outputs.v }}' }), step('end')]),
]);
const FIRST = context({ executionAttempt: 1 });

/** The state of a run that is interrupted while `key` runs. */
async function interruptedAt(plan: Plan, key: string, options: BenchOptions = {}) {
  const { script = () => OK } = options;
  const run = start(plan, {
    context: FIRST,
    ...options,
    script: (call) => (call.key === key ? undefined : script(call)),
  });
  await settled();
  run.stop(INTERRUPT);
  return (await run.result).state;
}

describe('a run that begins from the state of an earlier one', () => {
  it('keeps a stage that passed, with times, outputs and attempts, and says so', async () => {
    const script: BenchOptions['script'] = ({ key }) =>
      key === 'a/x#1' ? { kind: 'success', outputs: { v: '42' } } : OK;
    const first = await interruptedAt(of, 'b/z#1', { script });
    const second = await finished(of, { resumeFrom: first });
    expect(second.keys()).toEqual(['b/z#1', 'b/end#1']);
    expect(second.state.status).toBe('success');
    const [before, after] = [first.stages[0], second.state.stages[0]];
    const reason = {
      code: 'kept',
      message: 'passed in attempt 1 and is kept (`resume`)',
      data: { attempt: 1 },
    };
    expect(after).toEqual({
      ...before,
      reason,
      steps: before?.steps.map((one) => (one.status === 'success' ? { ...one, reason } : one)),
    });
    expect(stepOf(second.state, 'a', 'off').reason?.code).toBe('when_false');
    expect(second.shell.calls[0]?.attempt.environment['MILLRACE_EXPR_1']).toBe('42');
    expect(second.state.stages[1]?.executionAttempt).toBe(2);
  });

  it('runs a stage whole that was cut, because the files of its steps are gone', async () => {
    const first = await interruptedAt(of, 'b/end#1');
    expect(statuses(first)).toMatchObject({ 'b/z': 'success', 'b/end': 'running' });
    const second = await finished(of, { resumeFrom: first });
    expect(second.keys()).toEqual(['b/z#1', 'b/end#1']);
    expect(stepOf(second.state, 'b', 'z').reason?.code).toBe('started');
  });

  it('says the attempt in which it passed, also when it is kept again', async () => {
    const first = await interruptedAt(of, 'b/z#1');
    const second = await interruptedAt(of, 'b/z#1', { resumeFrom: first, context: context() });
    const third = await finished(of, { resumeFrom: second });
    expect(third.keys()).toEqual(['b/z#1', 'b/end#1']);
    expect(reasonOf(third.state, 'a')?.data).toEqual({ attempt: 1 });
  });

  it('runs nothing but hooks when every stage has passed', async () => {
    const hooks = { ...of, always: [step('bye')] };
    const first = await interruptedAt(hooks, 'always/bye#1');
    const second = await finished(hooks, { resumeFrom: first });
    expect(second.keys()).toEqual(['always/bye#1']);
    expect(second.state.status).toBe('success');
  });

  it('keeps nothing behind a stage that runs again', async () => {
    const cleanup = inOrder([
      sequential('a', [step('x')]),
      sequential('clean', [step('y')], { when: 'always()' }),
      sequential('c', [step('z')], { when: 'always()' }),
    ]);
    const first = await interruptedAt(cleanup, 'c/z#1', {
      script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK),
    });
    expect(statuses(first)).toMatchObject({ a: 'failed', clean: 'success' });
    const second = await finished(cleanup, { resumeFrom: first });
    expect(second.keys()).toEqual(['a/x#1', 'clean/y#1', 'c/z#1']);
    expect(second.state.failure).toBeUndefined();
  });

  it('keeps what its own `when` skipped, and what stands behind that', async () => {
    const skipping = inOrder([
      sequential('off', [step('x')], { when: 'false' }),
      sequential('empty', [step('x', { when: 'false' })]),
      sequential('c', [step('z')]),
      sequential('d', [step('z')]),
    ]);
    const first = await interruptedAt(skipping, 'd/z#1');
    const second = await finished(skipping, { resumeFrom: first });
    expect(second.keys()).toEqual(['d/z#1']);
    expect(second.state.stages.map(({ reason }) => reason?.code)).toEqual([
      'when_false',
      'steps_skipped',
      'kept',
      'started',
    ]);
  });

  it('decides a stage again that was skipped because of a failure', async () => {
    const first = await finished(of, { script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK) });
    expect(reasonOf(first.state, 'b')?.code).toBe('need_failed');
    const second = await finished(of, { resumeFrom: first.state });
    expect(second.keys()).toEqual(['a/x#1', 'a/y#1', 'b/z#1', 'b/end#1']);
  });

  it('keeps a stage of which a step failed and did not fail it', async () => {
    const lenient = inOrder([
      sequential('a', [step('x', { continueOnError: true }), step('y')]),
      sequential('b', [step('z')]),
    ]);
    const first = await interruptedAt(lenient, 'b/z#1', {
      script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK),
    });
    const second = await finished(lenient, { resumeFrom: first });
    expect(second.keys()).toEqual(['b/z#1']);
    expect(stepOf(second.state, 'a', 'x')).toEqual(stepOf(first, 'a', 'x'));
  });

  it('runs a stage again whose outputs a mask has changed: nobody has them any more', async () => {
    const script: BenchOptions['script'] = ({ key }) =>
      key === 'a/x#1' ? { kind: 'success', outputs: { v: 'is s3cret' } } : OK;
    const first = await interruptedAt(of, 'b/z#1', { script });
    expect(stepOf(first, 'a', 'x').outputs).toEqual({ v: 'is ***' });
    const second = await finished(of, { resumeFrom: first, script });
    expect(second.keys()).toEqual(['a/x#1', 'a/y#1', 'b/z#1', 'b/end#1']);
    const [, , z] = second.shell.calls;
    expect(z?.attempt.environment['MILLRACE_EXPR_1']).toBe('is s3cret');
  });

  it('takes a state of an older release, which does not name the attempt', async () => {
    const first = await interruptedAt(of, 'b/z#1');
    const old: RunState = {
      ...first,
      stages: first.stages.map((stage) => ({ ...stage, executionAttempt: undefined })),
    };
    const second = await finished(of, { resumeFrom: old });
    expect(reasonOf(second.state, 'a')).toEqual({
      code: 'kept',
      message: 'passed in an earlier attempt and is kept (`resume`)',
    });
  });

  it('clones again, and the commit that the earlier run found: the workspace is empty', async () => {
    const cloned = { ...of, repository: { url: 'https://example.org/x.git', branch: 'main' } };
    const commit = { sha: 'abc123', message: 'm', author: 'a' };
    const git: BenchOptions['git'] = () => ({ kind: 'success', commit });
    const first = await interruptedAt(cloned, 'b/z#1', { git });
    const second = await finished(cloned, { resumeFrom: first, git });
    expect(second.git.calls[0]?.attempt.action).toMatchObject({
      repository: { branch: 'main', commit: 'abc123' },
    });
    expect(second.keys()).toEqual(['b/z#1', 'b/end#1']);
    expect(second.state.checkout?.reason?.code).toBe('started');
    expect(second.shell.calls[0]?.attempt.environment).toMatchObject({
      CI_BRANCH: 'main',
      CI_COMMIT: 'abc123',
    });
    expect(second.state.commit).toEqual(commit);
  });
});
