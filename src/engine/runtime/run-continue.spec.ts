import type { Plan } from '../plan/plan.js';
import type { Continuation } from './continuation.js';
import {
  EXIT_1,
  OK,
  SUSPENDED,
  context,
  finished,
  inOrder,
  parallelStage,
  plan,
  sequential,
  start,
  statuses,
  step,
  stepOf,
  type BenchOptions,
  type Call,
} from './run-plan.fixture.js';
import type { StepOutcome } from './step-handler.js';

/** Runs until it is suspended; what a store would keep of it went through JSON. */
async function suspended(of: Plan, options: BenchOptions = {}): Promise<Continuation> {
  const script = ({ attempt }: Call): StepOutcome =>
    /^approve/.test(attempt.address.step) ? SUSPENDED : OK;
  const result = await start(of, { script, ...options }).result;
  if (result.kind !== 'suspended') throw new Error(`it is ${result.kind}`);
  const { state, memory } = result;
  return JSON.parse(JSON.stringify({ state, memory })) as Continuation;
}

const gated = inOrder(
  [
    sequential('build', [step('compile', { outputs: ['v'] })]),
    sequential('gate', [
      step('before', { outputs: ['v'] }),
      step('approve', { outputs: ['v'] }),
      step('note'),
    ]),
    sequential('ship', [
      step('go', { environment: { V: '${{ stages.gate.steps.before.outputs.v }}' } }),
    ]),
  ],
  { always: [step('bye')] },
);

describe('a run that continues a suspended one', () => {
  it('runs only what is left, in the very stage too, and asks the step that waited again', async () => {
    const from = await suspended(gated);
    const run = await finished(gated, { continueFrom: from });
    expect(run.keys()).toEqual(['gate/approve#1', 'gate/note#1', 'ship/go#1', 'always/bye#1']);
    expect(run.state.status).toBe('success');
    expect(stepOf(run.state, 'build', 'compile')).toEqual(stepOf(from.state, 'build', 'compile'));
    expect(stepOf(run.state, 'gate', 'approve').attempts).toEqual([
      expect.objectContaining({ number: 1, status: 'success' }),
    ]);
    expect(stepOf(run.state, 'gate', 'approve')).not.toHaveProperty('flaky');
    expect(run.state.startedAt).toBe(from.state.startedAt);
  });

  it('knows outputs as they are, though the state shows them masked', async () => {
    const outputs = { v: 's3cret-1' };
    const script = ({ attempt }: Call): StepOutcome => {
      if (attempt.address.step === 'approve') return SUSPENDED;
      return attempt.address.step === 'before' ? { kind: 'success', outputs } : OK;
    };
    const from = await suspended(gated, { script });
    expect(stepOf(from.state, 'gate', 'before').outputs).toEqual({ v: '***-1' });
    const { shell } = await finished(gated, { continueFrom: from });
    const ship = shell.calls.find(({ key }) => key === 'ship/go#1');
    expect(ship?.attempt.environment).toMatchObject({ V: 's3cret-1' });
  });

  it('clones nothing again, and says what was cloned', async () => {
    const cloning = plan([sequential('a', [step('approve'), step('x')])], {
      repository: { url: 'https://forge.example/shop.git' },
    });
    const commit = { sha: 'a'.repeat(40), message: 'm', author: 'ada' };
    const git = (): StepOutcome => ({ kind: 'success', commit, branch: 'main' });
    const run = await finished(cloning, { continueFrom: await suspended(cloning, { git }) });
    expect(run.git.calls).toEqual([]);
    expect(run.shell.calls.at(-1)?.attempt.environment).toMatchObject({
      CI_BRANCH: 'main',
      CI_COMMIT: commit.sha,
      CI_REPOSITORY_URL: 'https://forge.example/shop.git',
    });
    expect(run.state.commit).toEqual(commit);
  });

  it('does not say a branch that the clone did not say', async () => {
    const cloning = plan([sequential('a', [step('approve'), step('x')])], {
      repository: { url: 'https://forge.example/shop.git' },
    });
    const trigger = { event: 'manual', tag: 'v1' };
    const commit = { sha: 'b'.repeat(40), message: 'm', author: 'ada' };
    const from = await suspended(cloning, {
      context: context({ trigger }),
      git: () => ({ kind: 'success', commit }),
    });
    const later = { event: 'manual', tag: 'v1', branch: 'other' };
    const run = await finished(cloning, {
      continueFrom: from,
      context: context({ trigger: later }),
    });
    const variables = run.shell.calls.at(-1)?.attempt.environment ?? {};
    expect(variables).toMatchObject({ CI_TAG: 'v1', CI_COMMIT: commit.sha });
    expect(variables).not.toHaveProperty('CI_BRANCH');
  });

  it('continues as after any failure when the step fails', async () => {
    const hooked = { ...gated, onFailure: [step('undo')] };
    const from = await suspended(hooked);
    const script = ({ attempt }: Call) => (attempt.address.step === 'approve' ? EXIT_1 : OK);
    const run = await finished(hooked, { continueFrom: from, script });
    expect(run.keys()).toEqual(['gate/approve#1', 'on_failure/undo#1', 'always/bye#1']);
    expect(statuses(run.state)).toMatchObject({
      build: 'success',
      'gate/before': 'success',
      gate: 'failed',
      ship: 'skipped',
    });
  });

  it('waits on for a second step that nobody has answered', async () => {
    const two = plan([
      sequential('a', [step('approve-a'), step('x')]),
      sequential('b', [step('approve-b'), step('y')]),
    ]);
    const from = await suspended(two);
    const script = ({ attempt }: Call): StepOutcome =>
      attempt.address.step === 'approve-b' ? SUSPENDED : OK;
    const again = await suspended(two, { continueFrom: from, script });
    expect(statuses(again.state)).toMatchObject({ a: 'success', b: 'waiting', 'b/y': 'waiting' });
    const run = await finished(two, { continueFrom: again });
    expect(run.keys()).toEqual(['b/approve-b#1', 'b/y#1']);
    expect(run.state.status).toBe('success');
  });

  it('asks no `when` again', async () => {
    const asked = plan([
      parallelStage('a', [step('approve', { when: 'true' })], {
        when: "trigger.event == 'manual'",
      }),
    ]);
    const run = await finished(asked, { continueFrom: await suspended(asked) });
    expect(run.traces).toEqual([]);
    expect(run.state.status).toBe('success');
  });

  it('counts its limits on from the time that it ran, whatever passed between', async () => {
    const limited = plan(
      [sequential('a', [step('slow'), step('approve'), step('last')], { timeoutMs: 10_000 })],
      { timeoutMs: 15_000 },
    );
    const first = start(limited, {
      script: ({ key, attempt }) =>
        key === 'a/slow#1' ? undefined : attempt.address.step === 'approve' ? SUSPENDED : OK,
    });
    await first.clock.advance(6_000);
    first.call('a/slow#1').end(OK);
    const result = await first.result;
    if (result.kind !== 'suspended') throw new Error(result.kind);
    expect(result.memory).toMatchObject({ ranMs: 6_000, stagesRanMs: [6_000] });
    const second = start(limited, {
      continueFrom: result,
      script: ({ key }) => (key === 'a/last#1' ? undefined : OK),
    });
    await second.clock.advance(3_999);
    expect(statuses(second.last())).toMatchObject({ 'a/last': 'running' });
    await second.clock.advance(1);
    const { state } = await second.result;
    expect(statuses(state)).toMatchObject({ a: 'timeout', 'a/last': 'timeout' });
  });

  it('tries a step again only if it is told to, as a further attempt', async () => {
    const retried = plan([sequential('a', [step('approve', { retry: { max: 1 } })])]);
    const from = await suspended(retried);
    const second = start(retried, {
      continueFrom: from,
      script: ({ key }) => (key === 'a/approve#1' ? EXIT_1 : SUSPENDED),
    });
    await second.clock.advance(1_000);
    const result = await second.result;
    expect(result.kind).toBe('suspended');
    expect(stepOf(result.state, 'a', 'approve').attempts).toMatchObject([
      { number: 1, status: 'failed' },
      { number: 2, status: 'waiting' },
    ]);
  });
});
