import type { StepPlan } from '../plan/plan.js';
import {
  BROKEN,
  EXIT_1,
  OK,
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
import type { Bench } from './run-plan.fixture.js';

const one = (options: Parameters<typeof step>[1]): ReturnType<typeof plan> =>
  inOrder([sequential('s', [step('a', options)])]);

const held = (options: Parameters<typeof step>[1]): Bench =>
  start(one(options), { script: () => undefined });

describe('retry', () => {
  it('tries again after a growing wait, keeps every attempt and is flaky in the end', async () => {
    const bench = held({ retry: { max: 3, backoff: { initialMs: 1000, factor: 3, maxMs: 5000 } } });
    await settled();
    bench.call('s/a#1').end(EXIT_1);
    await settled();
    expect(stepOf(bench.last(), 's', 'a')).toMatchObject({
      status: 'waiting',
      reason: { code: 'retry_backoff', data: { until: 1_001_000, next_attempt: 2, attempts: 4 } },
      attempts: [{ number: 1, status: 'failed', exitCode: 1, reason: { code: 'exit_code' } }],
    });
    expect(bench.lines[0]).toContain('attempt 1 of 4 failed (exit code 1)');
    await bench.clock.advance(999);
    expect(bench.keys()).toHaveLength(1);
    await bench.clock.advance(1);
    bench.call('s/a#2').end(BROKEN);
    await bench.clock.advance(2999);
    expect(bench.keys()).toHaveLength(2);
    await bench.clock.advance(1);
    bench.call('s/a#3').end({ kind: 'failed', signal: 'SIGSEGV' });
    await bench.clock.advance(5000);
    bench.call('s/a#4').end(OK);
    const { state } = await bench.result;
    expect(state.status).toBe('success');
    expect(stepOf(state, 's', 'a')).toMatchObject({ status: 'success', flaky: true, exitCode: 0 });
    expect(stepOf(state, 's', 'a').attempts.map((attempt) => attempt.status)).toEqual([
      'failed',
      'failed',
      'failed',
      'success',
    ]);
    expect(bench.shell.calls[3]?.attempt.environment).toMatchObject({
      CI_ATTEMPT: '2.4',
      CI_STEP_ATTEMPT: '4',
    });
  });

  it('fails with the last attempt when all are used', async () => {
    const bench = held({ retry: { max: 1, backoff: { initialMs: 10, factor: 1, maxMs: 10 } } });
    await settled();
    bench.call('s/a#1').end({ kind: 'failed', exitCode: 3 });
    await bench.clock.advance(10);
    bench.call('s/a#2').end(BROKEN);
    const { state } = await bench.result;
    const ended = stepOf(state, 's', 'a');
    expect(ended).toMatchObject({ status: 'failed', reason: { code: 'infrastructure' } });
    expect(ended.exitCode).toBeUndefined();
    expect(ended.flaky).toBeUndefined();
    expect(state.failure?.lastLines).toEqual(['last of a#2']);
  });

  const on = (conditions: StepPlan['retry']['on']): Parameters<typeof step>[1] => ({
    retry: { max: 1, on: conditions, backoff: { initialMs: 0, factor: 1, maxMs: 0 } },
  });

  it.each([
    ['failure', EXIT_1, 2],
    ['infrastructure', EXIT_1, 1],
    ['infrastructure', BROKEN, 2],
    ['failure', BROKEN, 1],
    [{ exitCodes: [1, 137] }, EXIT_1, 2],
    [{ exitCodes: [2] }, EXIT_1, 1],
    [{ exitCodes: [137] }, { kind: 'failed', signal: 'SIGKILL' } as const, 2],
    [{ exitCodes: [0] }, BROKEN, 1],
    ['timeout', EXIT_1, 1],
  ] as const)('on %j, outcome %j: %i attempts', async (condition, outcome, attempts) => {
    const bench = start(one(on([condition])), { script: () => outcome });
    await bench.clock.advance(1);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a').attempts).toHaveLength(attempts);
  });

  it('gives the slot away while it waits, and asks for one again', async () => {
    const bench = start(
      plan([parallelStage('s', [step('a', { retry: { max: 1 } }), step('b')], { maxParallel: 1 })]),
      { script: () => undefined },
    );
    await settled();
    bench.call('s/a#1').end(EXIT_1);
    await settled();
    expect(bench.keys()).toEqual(['s/a#1', 's/b#1']);
    await bench.clock.advance(1000);
    expect(stepOf(bench.last(), 's', 'a')).toMatchObject({
      status: 'pending',
      reason: { code: 'slot' },
    });
    bench.call('s/b#1').end(OK);
    await settled();
    bench.call('s/a#2').end(OK);
    expect((await bench.result).state.status).toBe('success');
  });

  it('a step that has started is still retried after another step failed their stage', async () => {
    const bench = start(plan([parallelStage('s', [step('a', { retry: { max: 1 } }), step('b')])]), {
      script: () => undefined,
    });
    await settled();
    bench.call('s/a#1').end(EXIT_1);
    bench.call('s/b#1').end(EXIT_1);
    await bench.clock.advance(1000);
    bench.call('s/a#2').end(OK);
    const { state } = await bench.result;
    expect(statuses(state)).toMatchObject({ s: 'failed', 's/a': 'success', 's/b': 'failed' });
  });

  it('does not retry a wrong expression', async () => {
    const { state } = await finished(one({ run: '${{ nonsense( }}', retry: { max: 3 } }));
    expect(stepOf(state, 's', 'a').attempts).toHaveLength(1);
  });
});

describe('timeout of a step', () => {
  it('ends the attempt; the step is timeout, stage and run failed', async () => {
    const bench = held({ timeoutMs: 5000 });
    await bench.clock.advance(5000);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'timeout',
      reason: { code: 'timeout', data: { scope: 'step', limit_ms: 5000 } },
      attempts: [
        { status: 'timeout', signal: 'SIGTERM', startedAt: 1_000_000, finishedAt: 1_005_000 },
      ],
    });
    expect(statuses(state)['s']).toBe('failed');
    expect(state).toMatchObject({ status: 'failed', reason: { code: 'step_failed' } });
    expect(bench.lines[0]).toContain('passed the limit of 5 s');
  });

  it('counts each attempt for itself', async () => {
    const bench = held({ timeoutMs: 5000, retry: { max: 1, on: ['timeout'] } });
    await bench.clock.advance(6000);
    await bench.clock.advance(4999);
    bench.call('s/a#2').end(OK);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a')).toMatchObject({ status: 'success', flaky: true });
    expect(bench.clock.pending).toBe(0);
  });

  it('takes the true outcome of a step that ended first', async () => {
    const bench = start(one({ timeoutMs: 5000 }), {
      script: (call) => {
        call.signal.addEventListener('abort', () => call.end(OK));
        return undefined;
      },
    });
    await bench.clock.advance(5000);
    expect((await bench.result).state.status).toBe('success');
  });

  it('lets a stage continue when the step continues on error', async () => {
    const bench = held({ timeoutMs: 5000, continueOnError: true });
    await bench.clock.advance(5000);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a')).toMatchObject({ status: 'timeout', continuedOnError: true });
    expect(state.status).toBe('success');
  });
});

describe('timeout of a stage', () => {
  it('ends what runs, skips the rest, makes the stage timeout and the run failed', async () => {
    const bench = start(
      inOrder([
        parallelStage('s', [step('a'), step('b'), step('c', { when: 'always()', needs: ['b'] })], {
          timeoutMs: 1000,
          maxParallel: 1,
        }),
        sequential('t', [step('d')]),
      ]),
      { script: () => undefined },
    );
    await bench.clock.advance(1000);
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({
      s: 'timeout',
      's/a': 'timeout',
      's/b': 'skipped',
      's/c': 'skipped',
      t: 'skipped',
      't/d': 'skipped',
    });
    expect(reasonOf(state, 's')).toMatchObject({ code: 'timeout', data: { scope: 'stage' } });
    expect(reasonOf(state, 's', 'b')?.code).toBe('timeout');
    expect(reasonOf(state, 't')?.code).toBe('need_failed');
    expect(state).toMatchObject({ status: 'failed', reason: { code: 'stage_timeout' } });
    expect(state.failure).toMatchObject({ stage: 's', step: 'a' });
  });

  it('starts its clock with its first step', async () => {
    const bench = start(
      plan([parallelStage('r', [step('x')]), parallelStage('s', [step('a')], { timeoutMs: 1000 })]),
      { script: () => undefined, maxParallelSteps: 1 },
    );
    await bench.clock.advance(5000);
    expect(statuses(bench.last())).toMatchObject({ s: 'pending', 's/a': 'pending' });
    bench.call('r/x#1').end(OK);
    await bench.clock.advance(999);
    bench.call('s/a#1').end(OK);
    expect((await bench.result).state.status).toBe('success');
  });

  it('is not retried, also during a backoff', async () => {
    const bench = start(
      inOrder([sequential('s', [step('a', { retry: { max: 5 } })], { timeoutMs: 1500 })]),
      { script: () => undefined },
    );
    await settled();
    bench.call('s/a#1').end(EXIT_1);
    await bench.clock.advance(1000);
    bench.call('s/a#2').end(EXIT_1);
    await bench.clock.advance(500);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'timeout',
      attempts: [{ status: 'failed' }, { status: 'failed' }],
    });
    expect(statuses(state)['s']).toBe('timeout');
    expect(bench.clock.pending).toBe(0);
  });
});

describe('timeout of the execution', () => {
  it('skips a stage that had no slot yet; it runs when the run is resumed', async () => {
    const of = plan([parallelStage('s', [step('a')]), parallelStage('t', [step('b')])], {
      timeoutMs: 7000,
    });
    const bench = start(of, { script: () => undefined, maxParallelSteps: 1 });
    await bench.clock.advance(7000);
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({
      s: 'timeout',
      's/a': 'timeout',
      t: 'skipped',
      't/b': 'skipped',
    });
    const second = await finished(of, { resumeFrom: state });
    expect(second.keys()).toEqual(['s/a#1', 't/b#1']);
  });

  it('also skips a stage that its needs kept waiting, and runs it when the run is resumed', async () => {
    const of = inOrder(
      [sequential('r', [step('x')]), sequential('s', [step('a')]), sequential('t', [step('b')])],
      {
        timeoutMs: 7000,
      },
    );
    const first = start(of, { script: ({ key }) => (key === 'r/x#1' ? OK : undefined) });
    await first.clock.advance(7000);
    const { state } = await first.result;
    expect(statuses(state)).toMatchObject({ r: 'success', s: 'timeout', t: 'skipped' });
    const asIf = {
      ...state,
      stages: state.stages.map((one) =>
        one.name === 's' ? { ...one, status: 'skipped' as const } : one,
      ),
    };
    expect((await finished(of, { resumeFrom: asIf })).keys()).toEqual(['s/a#1', 't/b#1']);
  });

  it('ends what runs, skips the rest, makes the run timeout', async () => {
    const bench = start(
      inOrder(
        [
          sequential('s', [step('a', { retry: { max: 3 } }), step('b')]),
          sequential('t', [step('c')]),
        ],
        {
          timeoutMs: 7000,
        },
      ),
      { script: () => undefined },
    );
    await bench.clock.advance(7000);
    const { state } = await bench.result;
    expect(state).toMatchObject({
      status: 'timeout',
      reason: { code: 'timeout', data: { scope: 'execution', limit_ms: 7000 } },
      startedAt: 1_000_000,
      finishedAt: 1_007_000,
    });
    expect(statuses(state)).toEqual({
      s: 'timeout',
      's/a': 'timeout',
      's/b': 'skipped',
      t: 'skipped',
      't/c': 'skipped',
    });
    expect(reasonOf(state, 't', 'c')).toMatchObject({
      code: 'timeout',
      data: { scope: 'execution' },
    });
    expect(bench.keys()).toEqual(['s/a#1']);
  });
});
