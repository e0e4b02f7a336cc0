import {
  BROKEN,
  CANCEL,
  EXIT_1,
  INTERRUPT,
  OK,
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
import type { Bench, BenchOptions } from './run-plan.fixture.js';

const held: BenchOptions = { script: () => undefined, git: () => undefined };
const repository = { url: 'https://example.org/x.git' };

const twoStages = (): Bench =>
  start(
    inOrder(
      [
        parallelStage('a', [step('x', { retry: { max: 2 } }), step('y'), step('z')], {
          maxParallel: 2,
        }),
        sequential('b', [step('w', { when: 'always()' })], { when: 'always()' }),
      ],
      { onFailure: [step('collect')], always: [step('clean')] },
    ),
    held,
  );

describe('cancel', () => {
  it('ends what runs, marks what waits, runs the always hooks', async () => {
    const bench = twoStages();
    await settled();
    bench.stop(CANCEL);
    await settled();
    expect(statuses(bench.last())).toEqual({
      a: 'cancelled',
      'a/x': 'cancelled',
      'a/y': 'cancelled',
      'a/z': 'cancelled',
      b: 'cancelled',
      'b/w': 'cancelled',
    });
    expect(bench.last().status).toBe('running');
    expect(bench.keys()).toEqual(['a/x#1', 'a/y#1', 'always/clean#1']);
    bench.call('always/clean#1').end(OK);
    const { kind, state } = await bench.result;
    expect(kind).toBe('finished');
    expect(state).toMatchObject({ status: 'cancelled', reason: CANCEL.reason });
    for (const name of ['x', 'y', 'z']) expect(reasonOf(state, 'a', name)).toEqual(CANCEL.reason);
    expect(stepOf(state, 'a', 'x').attempts).toMatchObject([
      { status: 'cancelled', signal: 'SIGTERM', reason: CANCEL.reason },
    ]);
    expect(stepOf(state, 'on_failure', 'collect')).toMatchObject({
      status: 'skipped',
      reason: { code: 'not_failed' },
    });
  });

  it('is masked', async () => {
    const bench = twoStages();
    bench.stop({
      kind: 'cancel',
      reason: { code: 'cancelled', message: 's3cret', data: { by: 's3cret' } },
    });
    await settled();
    bench.call('always/clean#1').end(OK);
    expect((await bench.result).state.reason).toEqual({
      code: 'cancelled',
      message: '***',
      data: { by: '***' },
    });
  });

  it('reaches a run before its first step', async () => {
    const signal = AbortSignal.abort(CANCEL);
    const bench = start(inOrder([sequential('a', [step('x')])], { repository }), {
      ...held,
      signal,
    });
    const { state } = await bench.result;
    expect(state).toMatchObject({
      status: 'cancelled',
      checkout: { status: 'cancelled', attempts: [] },
    });
    expect(statuses(state)).toEqual({ a: 'cancelled', 'a/x': 'cancelled' });
    expect(bench.keys()).toEqual([]);
  });

  it.each([EXIT_1, BROKEN])(
    'retries nothing that fails in the same moment: %j',
    async (outcome) => {
      const bench = start(inOrder([sequential('a', [step('x', { retry: { max: 3 } })])]), {
        script: (call) => {
          call.signal.addEventListener('abort', () => call.end(outcome));
          return undefined;
        },
      });
      await settled();
      bench.stop(CANCEL);
      const { state } = await bench.result;
      expect(state.status).toBe('cancelled');
      expect(stepOf(state, 'a', 'x')).toMatchObject({
        status: outcome.kind === 'failed' ? 'failed' : 'cancelled',
        attempts: [{ number: 1 }],
      });
    },
  );

  it('leaves the hooks 60 s', async () => {
    const bench = twoStages();
    await settled();
    bench.stop(CANCEL);
    await bench.clock.advance(59_999);
    expect(bench.call('always/clean#1').signal.aborted).toBe(false);
    await bench.clock.advance(1);
    const { state } = await bench.result;
    expect(state.status).toBe('cancelled');
    expect(stepOf(state, 'always', 'clean').status).toBe('timeout');
  });

  it('reaches the clone', async () => {
    const bench = start(inOrder([sequential('a', [step('x')])], { repository }), held);
    await settled();
    bench.stop(CANCEL);
    const { state } = await bench.result;
    expect(state).toMatchObject({ status: 'cancelled', checkout: { status: 'cancelled' } });
    expect(state.failure).toBeUndefined();
    expect(statuses(state)).toEqual({ a: 'cancelled', 'a/x': 'cancelled' });
  });

  it('reaches a step between two attempts, and is never retried', async () => {
    const bench = twoStages();
    await settled();
    bench.call('a/x#1').end(EXIT_1);
    await settled();
    expect(statuses(bench.last())['a/x']).toBe('waiting');
    bench.stop(CANCEL);
    await settled();
    bench.call('always/clean#1').end(OK);
    const { state } = await bench.result;
    expect(stepOf(state, 'a', 'x')).toMatchObject({
      status: 'cancelled',
      attempts: [{ status: 'failed' }],
    });
    expect(bench.clock.pending).toBe(0);
  });

  it('keeps what ended in the same moment, but the run is cancelled', async () => {
    const bench = start(inOrder([sequential('a', [step('x')])]), {
      script: (call) => {
        call.signal.addEventListener('abort', () => call.end(OK));
        return undefined;
      },
    });
    await settled();
    bench.stop(CANCEL);
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({ a: 'success', 'a/x': 'success' });
    expect(state.status).toBe('cancelled');
  });

  it('counts also after the last step, while hooks run; those finish', async () => {
    const bench = start(
      inOrder([sequential('a', [step('x')])], { always: [step('h1'), step('h2')] }),
      { script: ({ key }) => (key === 'a/x#1' ? OK : undefined) },
    );
    await settled();
    bench.stop(CANCEL);
    await settled();
    expect(bench.call('always/h1#1').signal.aborted).toBe(false);
    bench.call('always/h1#1').end(OK);
    await settled();
    bench.call('always/h2#1').end(OK);
    const { state } = await bench.result;
    expect(state.status).toBe('cancelled');
    expect(state.always.map((hook) => hook.status)).toEqual(['success', 'success']);
    expect(statuses(state)['a']).toBe('success');
  });

  it('gives hooks that run already 60 s from then on, and begins no further on_failure hook', async () => {
    const bench = start(
      inOrder([sequential('a', [step('x')])], {
        onFailure: [step('f1'), step('f2')],
        always: [step('h1'), step('h2')],
      }),
      { script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : undefined) },
    );
    await bench.clock.advance(100_000);
    bench.stop(CANCEL);
    await bench.clock.advance(30_000);
    bench.call('on_failure/f1#1').end(OK);
    await bench.clock.advance(29_999);
    expect(bench.call('always/h1#1').signal.aborted).toBe(false);
    await bench.clock.advance(1);
    const { state } = await bench.result;
    expect(state.status).toBe('cancelled');
    expect(state.onFailure.map((hook) => hook.status)).toEqual(['success', 'skipped']);
    expect(state.always.map((hook) => [hook.status, hook.reason?.code])).toEqual([
      ['timeout', 'timeout'],
      ['skipped', 'hooks_deadline'],
    ]);
  });

  it('after the limit of the execution changes nothing but the end', async () => {
    const bench = start(
      inOrder([sequential('a', [step('x')])], { timeoutMs: 1000, always: [step('h')] }),
      held,
    );
    await bench.clock.advance(1000);
    expect(statuses(bench.last())).toEqual({ a: 'timeout', 'a/x': 'timeout' });
    bench.stop(CANCEL);
    await settled();
    bench.call('always/h#1').end(OK);
    const { state } = await bench.result;
    expect(state.status).toBe('cancelled');
    expect(statuses(state)).toEqual({ a: 'timeout', 'a/x': 'timeout' });
  });
});

describe('cancel, the step having its stage limit', () => {
  it('does not become a timeout when the limit passes while the step is ending', async () => {
    const bench = start(inOrder([sequential('a', [step('x')], { timeoutMs: 1000 })]), held);
    await settled();
    const call = bench.call('a/x#1');
    const end = call.end.bind(call);
    call.end = () => undefined;
    bench.stop(CANCEL);
    await bench.clock.advance(5000);
    expect(statuses(bench.last())).toEqual({ a: 'running', 'a/x': 'running' });
    end({ kind: 'aborted', signal: 'SIGKILL' });
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({ a: 'cancelled', 'a/x': 'cancelled' });
  });
});

describe('interrupt', () => {
  it('ends what runs, runs nothing further, and leaves the state as it is', async () => {
    const bench = twoStages();
    await settled();
    bench.call('a/y#1').end(OK);
    await settled();
    bench.stop(INTERRUPT);
    const result = await bench.result;
    expect(result).toMatchObject({ kind: 'interrupted', reason: INTERRUPT.reason });
    expect(result.state.status).toBe('running');
    expect(statuses(result.state)).toEqual({
      a: 'running',
      'a/x': 'running',
      'a/y': 'success',
      'a/z': 'running',
      b: 'waiting',
      'b/w': 'waiting',
    });
    expect(stepOf(result.state, 'a', 'x')).toMatchObject({
      reason: INTERRUPT.reason,
      attempts: [{ number: 1, status: 'cancelled', reason: INTERRUPT.reason }],
    });
    expect(bench.keys()).toEqual(['a/x#1', 'a/y#1', 'a/z#1']);
    expect(bench.clock.pending).toBe(0);
  });

  it('waits until every handler has answered', async () => {
    const bench = start(plan([parallelStage('a', [step('x'), step('y')])]), {
      script: () => undefined,
    });
    let over = false;
    void bench.result.then(() => (over = true));
    await settled();
    const slow = bench.call('a/x#1');
    slow.end = () => undefined;
    bench.stop(INTERRUPT);
    await settled();
    expect(over).toBe(false);
  });

  it.each(['clone', 'hooks', 'backoff', 'start'])('during %s', async (moment) => {
    const of = inOrder([sequential('a', [step('x', { retry: { max: 1 } })])], {
      repository,
      always: [step('h1'), step('h2')],
    });
    const bench = start(of, {
      ...held,
      ...(moment === 'start' && { signal: AbortSignal.abort(INTERRUPT) }),
    });
    await settled();
    if (moment === 'hooks' || moment === 'backoff') {
      bench.call('/checkout#1').end(OK);
      await settled();
      bench.call('a/x#1').end(moment === 'hooks' ? OK : EXIT_1);
      await settled();
    }
    bench.stop(INTERRUPT);
    const result = await bench.result;
    expect(result.kind).toBe('interrupted');
    expect(result.state.status).toBe('running');
    expect(bench.keys()).not.toContain('always/h2#1');
    expect(bench.clock.pending).toBe(0);
  });

  it('is what an abort without a reason of ours means', async () => {
    const bench = start(inOrder([sequential('a', [step('x')])]), {
      ...held,
      signal: AbortSignal.abort(),
    });
    expect(await bench.result).toMatchObject({
      kind: 'interrupted',
      reason: { code: 'interrupted' },
    });
  });
});
