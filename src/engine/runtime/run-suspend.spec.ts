import {
  CANCEL,
  EXIT_1,
  INTERRUPT,
  OK,
  SUSPENDED,
  finished,
  inOrder,
  parallelStage,
  plan,
  reasonOf,
  sequential,
  settled,
  start,
  statuses,
  step,
  stepOf,
} from './run-plan.fixture.js';
import type { Call } from './run-plan.fixture.js';
import type { StepOutcome } from './step-handler.js';

const gated = inOrder(
  [
    sequential('build', [step('compile', { outputs: ['v'] })]),
    sequential('gate', [step('approve'), step('note')], { timeoutMs: 60_000 }),
    sequential('deploy', [step('ship')]),
  ],
  { always: [step('bye')] },
);

/** A script that suspends one step, and lets all others succeed but those named. */
function suspending(name: string, others: Readonly<Record<string, StepOutcome>> = {}) {
  return ({ key, attempt }: Call): StepOutcome | undefined => {
    if (attempt.address.step === name) return SUSPENDED;
    return Object.hasOwn(others, key) ? others[key] : OK;
  };
}

describe('a step that waits for something outside', () => {
  it('ends the run suspended, with all of its state and without hooks', async () => {
    const run = start(gated, { script: suspending('approve') });
    const { kind, state } = await run.result;
    expect(kind).toBe('suspended');
    expect(state).toMatchObject({
      status: 'waiting',
      reason: {
        code: 'suspended',
        message: 'step "approve" of stage "gate" waits: somebody has to approve it',
        data: { stage: 'gate', step: 'approve' },
      },
    });
    expect(statuses(state)).toMatchObject({ build: 'success', gate: 'waiting', deploy: 'waiting' });
    expect(stepOf(state, 'gate', 'approve')).toMatchObject({
      status: 'waiting',
      reason: { code: 'approval_required' },
      attempts: [{ status: 'waiting', reason: { code: 'approval_required' } }],
    });
    expect(run.keys()).toEqual(['build/compile#1', 'gate/approve#1']);
    expect(run.last()).toBe(state);
    expect(run.clock.pending).toBe(0);
  });

  it('begins again from there: what passed is kept, with its outputs', async () => {
    const first = start(gated, { script: suspending('approve') });
    const { state } = await first.result;
    const second = await finished(gated, { resumeFrom: state });
    expect(second.keys()).toEqual([
      'gate/approve#1',
      'gate/note#1',
      'deploy/ship#1',
      'always/bye#1',
    ]);
    expect(second.state.status).toBe('success');
    expect(reasonOf(second.state, 'build')?.code).toBe('kept');
  });

  it('waits until nothing else can run', async () => {
    const sides = plan([
      sequential('gate', [step('approve')]),
      sequential('test', [step('slow'), step('after')]),
    ]);
    const run = start(sides, {
      script: (call) => (call.key === 'test/slow#1' ? undefined : suspending('approve')(call)),
    });
    await settled();
    expect(run.last().status).toBe('running');
    run.call('test/slow#1').end(OK);
    const { kind, state } = await run.result;
    expect(kind).toBe('suspended');
    expect(statuses(state)).toMatchObject({ test: 'success', gate: 'waiting' });
  });

  it('gives its slot to others', async () => {
    const one = plan([parallelStage('a', [step('approve'), step('other')], { maxParallel: 1 })]);
    const run = start(one, { script: suspending('approve'), maxParallelSteps: 1 });
    expect((await run.result).kind).toBe('suspended');
    expect(run.keys()).toEqual(['a/approve#1', 'a/other#1']);
  });

  it('is not waited for when the run has failed meanwhile', async () => {
    const sides = plan([
      sequential('gate', [step('approve'), step('note')]),
      sequential('after', [step('ship')], { needs: ['gate'] }),
      sequential('test', [step('unit')]),
    ]);
    const run = start(sides, { script: suspending('approve', { 'test/unit#1': EXIT_1 }) });
    const { kind, state } = await run.result;
    expect(kind).toBe('finished');
    expect(state).toMatchObject({ status: 'failed', failure: { step: 'unit' } });
    expect(statuses(state)).toMatchObject({
      gate: 'cancelled',
      'gate/approve': 'cancelled',
      'gate/note': 'skipped',
      after: 'skipped',
    });
    expect(stepOf(state, 'gate', 'approve').reason?.code).toBe('run_failed');
  });

  it.each([
    ['a cancel', CANCEL, 'finished', 'cancelled'],
    ['an interruption', INTERRUPT, 'interrupted', 'waiting'],
  ] as const)('%s ends it while others run', async (_name, request, kind, status) => {
    const sides = plan([sequential('gate', [step('approve')]), sequential('test', [step('slow')])]);
    const run = start(sides, {
      script: (call) => (call.key === 'test/slow#1' ? undefined : suspending('approve')(call)),
    });
    await settled();
    run.stop(request);
    const result = await run.result;
    expect(result.kind).toBe(kind);
    expect(stepOf(result.state, 'gate', 'approve').status).toBe(status);
  });

  it('the limit of the execution ends it while others run, and not that of its stage', async () => {
    const sides = plan(
      [
        sequential('gate', [step('approve')], { timeoutMs: 1_000 }),
        sequential('test', [step('slow')]),
      ],
      { timeoutMs: 5_000 },
    );
    const run = start(sides, {
      script: (call) => (call.key === 'test/slow#1' ? undefined : suspending('approve')(call)),
    });
    await run.clock.advance(4_999);
    expect(statuses(run.last())).toMatchObject({ gate: 'running', 'gate/approve': 'waiting' });
    await run.clock.advance(1);
    const { kind, state } = await run.result;
    expect([kind, state.status]).toEqual(['finished', 'timeout']);
    expect(statuses(state)).toMatchObject({ 'gate/approve': 'timeout', 'test/slow': 'timeout' });
  });

  it('is no retry, whatever the step says of retries', async () => {
    const retried = inOrder([sequential('gate', [step('approve', { retry: { max: 3 } })])]);
    const run = start(retried, { script: suspending('approve') });
    await run.result;
    expect(run.keys()).toEqual(['gate/approve#1']);
  });

  it('fails in a hook, which nobody waits for', async () => {
    const hook = plan([sequential('a', [step('x')])], { always: [step('approve')] });
    const { state } = await finished(hook, { script: suspending('approve') });
    expect(state.status).toBe('success');
    expect(stepOf(state, 'always', 'approve')).toMatchObject({
      status: 'failed',
      reason: { code: 'cannot_suspend' },
    });
  });
});
