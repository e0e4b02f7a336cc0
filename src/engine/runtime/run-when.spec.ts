import {
  EXIT_1,
  OK,
  context,
  finished,
  inOrder,
  parallelStage,
  plan,
  reasonOf,
  sequential,
  start,
  settled,
  statuses,
  step,
  stepOf,
} from './run-plan.fixture.js';
import type { Script } from './run-plan.fixture.js';

const failing =
  (...keys: string[]): Script =>
  ({ key }) =>
    keys.includes(key.split('#')[0] ?? '') ? EXIT_1 : OK;

describe('when of a step', () => {
  it('skips what is false, counts as met, and stores the value of every part', async () => {
    const { state, traces } = await finished(
      inOrder([
        sequential('s', [
          step('a', { when: "trigger.branch == 'main' && !contains(trigger.message, '[skip]')" }),
          step('b'),
        ]),
      ]),
      { context: context({ trigger: { event: 'push', branch: 'dev', message: 'no s3cret' } }) },
    );
    expect(statuses(state)).toMatchObject({ s: 'success', 's/a': 'skipped', 's/b': 'success' });
    expect(reasonOf(state, 's', 'a')?.code).toBe('when_false');
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({ stage: 's', step: 'a', trace: { result: false } });
    expect(traces[0]?.trace.parts).toEqual(
      expect.arrayContaining([
        { text: 'trigger.branch', value: 'dev' },
        { text: "trigger.branch == 'main'", value: false },
        { text: 'trigger.message', value: 'no ***' },
      ]),
    );
  });

  it('cuts long values of a trace, masks first', async () => {
    const message = `${'x'.repeat(195)}s3cret and more`;
    const { traces } = await finished(
      inOrder([sequential('s', [step('a', { when: 'trigger.message == toJSON(trigger)' })])]),
      { context: context({ trigger: { event: 'push', message } }) },
    );
    const shown = traces[0]?.trace.parts.map(({ value }) =>
      typeof value === 'string' ? value : JSON.stringify(value),
    );
    expect(shown?.map((text) => text.length > 190)).toContain(true);
    for (const text of shown ?? []) expect(text.length).toBeLessThanOrEqual(200);
    expect(JSON.stringify(traces)).not.toMatch(/s3c/);
  });

  it('stands behind success() unless it calls a status function', async () => {
    const { state } = await finished(
      inOrder([
        sequential('s', [
          step('fails'),
          step('plain'),
          step('true', { when: 'true' }),
          step('success', { when: 'success()' }),
          step('failure', { when: 'failure()' }),
          step('always', { when: 'always()' }),
          step('either', { when: "failure() || trigger.event == 'push'" }),
          step('not', { when: '!failure()' }),
          step('after'),
        ]),
      ]),
      { script: failing('s/fails') },
    );
    expect(statuses(state)).toEqual({
      s: 'failed',
      's/fails': 'failed',
      's/plain': 'skipped',
      's/true': 'skipped',
      's/success': 'skipped',
      's/failure': 'success',
      's/always': 'success',
      's/either': 'success',
      's/not': 'skipped',
      's/after': 'skipped',
    });
    const code = (name: string): string | undefined => reasonOf(state, 's', name)?.code;
    expect(['plain', 'true', 'success', 'not', 'after'].map(code)).toEqual([
      'need_failed',
      'need_failed',
      'need_failed',
      'when_false',
      'need_failed',
    ]);
  });

  it('without a failure runs always() and skips failure()', async () => {
    const { state } = await finished(
      inOrder([
        sequential('s', [
          step('ok'),
          step('failure', { when: 'failure()' }),
          step('always', { when: 'always()' }),
          step('cancelled', { when: 'cancelled()' }),
        ]),
      ]),
    );
    expect(statuses(state)).toMatchObject({
      s: 'success',
      's/failure': 'skipped',
      's/always': 'success',
      's/cancelled': 'skipped',
    });
  });

  it('looks at what a step needs only, transitively', async () => {
    const { state } = await finished(
      plan([
        parallelStage('s', [
          step('bad'),
          step('good'),
          step('after-bad', { needs: ['bad'], when: 'always()' }),
          step('far', { needs: ['after-bad'], when: 'failure()' }),
          step('other', { needs: ['good'], when: 'failure()' }),
        ]),
      ]),
      { script: failing('s/bad') },
    );
    expect(statuses(state)).toMatchObject({
      's/after-bad': 'success',
      's/far': 'success',
      's/other': 'skipped',
    });
    expect(reasonOf(state, 's', 'other')?.code).toBe('when_false');
  });

  it('does not count a failure that continues on error', async () => {
    const { state } = await finished(
      inOrder([
        sequential('s', [
          step('bad', { continueOnError: true }),
          step('failure', { when: 'failure()' }),
          step('next'),
        ]),
      ]),
      { script: failing('s/bad') },
    );
    expect(statuses(state)).toMatchObject({
      s: 'success',
      's/failure': 'skipped',
      's/next': 'success',
    });
  });

  it('runs always() in a failed stage although it waited for a slot', async () => {
    const bench = start(
      plan([
        parallelStage('s', [step('bad'), step('plain'), step('always', { when: 'always()' })], {
          maxParallel: 1,
        }),
      ]),
      { script: () => undefined },
    );
    await settled();
    bench.call('s/bad#1').end(EXIT_1);
    await settled();
    bench.call('s/always#1').end(OK);
    const { state } = await bench.result;
    expect(statuses(state)).toMatchObject({
      s: 'failed',
      's/always': 'success',
      's/plain': 'skipped',
    });
  });

  it('reads outputs and statuses of earlier steps', async () => {
    const { state } = await finished(
      inOrder([
        sequential('s', [
          step('a', { outputs: ['v'] }),
          step('b', { when: "steps.a.outputs.v == '1' && steps.a.status == 'success'" }),
          step('c', { when: 'steps.b.exit_code != 0' }),
        ]),
        sequential('t', [
          step('d', { when: "stages.s.status == 'success' && steps.a.outputs.v == '1'" }),
        ]),
      ]),
      {
        script: ({ key }) =>
          key === 's/a#1' ? { kind: 'success', exitCode: 0, outputs: { v: '1' } } : OK,
      },
    );
    expect(statuses(state)).toMatchObject({ 's/b': 'success', 's/c': 'skipped', 't/d': 'success' });
  });

  it('sees its own variables', async () => {
    const { state } = await finished(
      inOrder(
        [
          sequential(
            's',
            [
              step('a', {
                when: "env.A == 'p' && env.B == 's' && env.C == 'x'",
                environment: { C: 'x' },
              }),
            ],
            {
              environment: { B: 's' },
            },
          ),
        ],
        { environment: { A: 'p' } },
      ),
    );
    expect(statuses(state)['s/a']).toBe('success');
  });

  it.each([
    ['that cannot be read', { when: 'nonsense(' }],
    ['that cannot be evaluated', { when: "matches('x', env.P)", environment: { P: '(' } }],
    [
      'of which a variable is wrong',
      { when: "env.P == ''", environment: { P: '${{ nonsense( }}' } },
    ],
  ])('fails a step with a `when` %s', async (_title, options) => {
    const { state, keys } = await finished(
      inOrder([sequential('s', [step('a', options), step('b')])]),
    );
    expect(keys()).toEqual([]);
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'failed',
      reason: { code: 'expression_failed' },
      attempts: [],
    });
    expect(statuses(state)).toMatchObject({ s: 'failed', 's/b': 'skipped' });
    expect(state.failure).toMatchObject({ stage: 's', step: 'a' });
  });
});

describe('when of a stage', () => {
  it('skips the stage with its steps, and counts as met', async () => {
    const { state, traces } = await finished(
      inOrder([
        sequential('a', [step('x')], { when: "trigger.branch == 'main'" }),
        sequential('b', [step('y')]),
      ]),
    );
    expect(statuses(state)).toEqual({
      a: 'skipped',
      'a/x': 'skipped',
      b: 'success',
      'b/y': 'success',
    });
    expect(reasonOf(state, 'a', 'x')).toMatchObject({ code: 'when_false', data: { stage: 'a' } });
    expect(traces[0]).toMatchObject({ stage: 'a', step: undefined });
    expect(state.status).toBe('success');
  });

  it('runs after a failure when it says so; its steps look at their own needs', async () => {
    const { state } = await finished(
      inOrder([
        sequential('a', [step('x')]),
        sequential('b', [step('y')]),
        sequential('c', [step('z'), step('not', { when: 'failure()' })], { when: 'failure()' }),
        sequential('d', [step('w')], { when: 'always()' }),
        sequential('e', [step('v')]),
      ]),
      { script: failing('a/x') },
    );
    expect(statuses(state)).toMatchObject({
      a: 'failed',
      b: 'skipped',
      c: 'success',
      'c/z': 'success',
      'c/not': 'skipped',
      d: 'success',
      e: 'skipped',
    });
    expect(reasonOf(state, 'e')).toMatchObject({ code: 'need_failed', data: { failed: 'a' } });
    expect(state.status).toBe('failed');
  });

  it('is skipped when all its steps are', async () => {
    const { state } = await finished(
      inOrder([sequential('a', [step('x', { when: 'false' })]), sequential('b', [step('y')])]),
    );
    expect(statuses(state)).toMatchObject({ a: 'skipped', b: 'success' });
    expect(reasonOf(state, 'a')?.code).toBe('steps_skipped');
  });

  it('fails the stage when it cannot be evaluated', async () => {
    const { state } = await finished(
      inOrder([sequential('a', [step('x')], { when: 'nonsense(' }), sequential('b', [step('y')])]),
    );
    expect(statuses(state)).toEqual({
      a: 'failed',
      'a/x': 'skipped',
      b: 'skipped',
      'b/y': 'skipped',
    });
    expect(state).toMatchObject({ status: 'failed', reason: { code: 'expression_failed' } });
  });
});
