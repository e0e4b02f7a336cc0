import { FIXED_VARIABLES } from './base-environment.js';
import {
  CANCEL,
  EXIT_1,
  OK,
  finished,
  inOrder,
  parallelStage,
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
        parallelStage('a', [step('x')]),
        parallelStage('b', [step('x')], { needs: ['a'] }),
        parallelStage('c', [step('x')], { needs: ['a'] }),
        parallelStage('d', [step('x')], { needs: ['b', 'c'] }),
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

  it('runs an independent branch of the DAG to its end after a failure elsewhere', async () => {
    const { state } = await finished(
      plan([
        parallelStage('a', [step('x')]),
        parallelStage('b', [step('x')]),
        parallelStage('c', [step('x')], { needs: ['b'] }),
        parallelStage('d', [step('x')], { needs: ['a', 'c'] }),
      ]),
      { script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK) },
    );
    expect(statuses(state)).toMatchObject({
      a: 'failed',
      b: 'success',
      c: 'success',
      d: 'skipped',
    });
    expect(reasonOf(state, 'd')).toMatchObject({ code: 'need_failed', data: { needs: ['a'] } });
  });

  it('lets what runs in a failed stage finish, and starts nothing more in it', async () => {
    const bench = start(
      plan([parallelStage('a', [step('x'), step('y'), step('z')], { maxParallel: 2 })]),
      { script: () => undefined },
    );
    await settled();
    expect(bench.keys()).toEqual(['a/x#1', 'a/y#1']);
    expect(reasonOf(bench.last(), 'a', 'z')).toMatchObject({ code: 'slot' });
    bench.call('a/x#1').end(EXIT_1);
    await settled();
    expect(statuses(bench.last())).toMatchObject({
      a: 'running',
      'a/x': 'failed',
      'a/y': 'running',
      'a/z': 'skipped',
    });
    bench.call('a/y#1').end(OK);
    const { state } = await bench.result;
    expect(statuses(state)).toMatchObject({ a: 'failed', 'a/y': 'success' });
    expect(reasonOf(state, 'a', 'z')?.code).toBe('stage_failed');
    expect(reasonOf(state, 'a')).toMatchObject({ code: 'step_failed', data: { steps: ['x'] } });
  });

  it('starts nothing more in a failed stage, also behind a step that passed', async () => {
    const bench = start(
      plan([
        parallelStage('a', [
          step('x'),
          step('y'),
          step('z', { needs: ['y'] }),
          step('last', { needs: ['z'], when: 'always()' }),
        ]),
      ]),
      { script: () => undefined },
    );
    await settled();
    bench.call('a/x#1').end(EXIT_1);
    await settled();
    bench.call('a/y#1').end(OK);
    await settled();
    expect(stepOf(bench.last(), 'a', 'z')).toMatchObject({
      status: 'skipped',
      reason: { code: 'stage_failed' },
    });
    bench.call('a/last#1').end(OK);
    expect(statuses((await bench.result).state)).toMatchObject({
      a: 'failed',
      'a/last': 'success',
    });
  });

  it('continues after a failed step that continues on error', async () => {
    const { state } = await finished(
      inOrder([
        sequential('a', [step('x', { continueOnError: true }), step('y')]),
        sequential('b', [step('z')]),
      ]),
      { script: ({ key }) => (key === 'a/x#1' ? EXIT_1 : OK) },
    );
    expect(state.status).toBe('success');
    expect(state.failure).toBeUndefined();
    expect(stepOf(state, 'a', 'x')).toMatchObject({
      status: 'failed',
      continuedOnError: true,
      exitCode: 1,
    });
    expect(statuses(state)).toMatchObject({ a: 'success', 'a/y': 'success', b: 'success' });
  });

  it('keeps the first failure in time, not in the text', async () => {
    const bench = start(plan([parallelStage('a', [step('x'), step('y')])]), {
      script: () => undefined,
    });
    await settled();
    bench.call('a/y#1').end({ kind: 'failed', exitCode: 7 });
    await settled();
    bench.call('a/x#1').end(EXIT_1);
    const { state } = await bench.result;
    expect(state.failure).toMatchObject({ step: 'y', exitCode: 7 });
    expect(state.reason).toMatchObject({ code: 'step_failed', data: { stage: 'a', step: 'y' } });
  });
});

describe('slots', () => {
  const wide = (name: string, count: number): ReturnType<typeof parallelStage> =>
    parallelStage(
      name,
      Array.from({ length: count }, (_, index) => step(`s${index}`)),
    );

  it('runs at most maxParallelSteps over all stages, in the order of the text', async () => {
    const bench = start(plan([wide('a', 3), wide('b', 3)]), {
      script: () => undefined,
      maxParallelSteps: 4,
    });
    await settled();
    expect(bench.keys()).toEqual(['a/s0#1', 'a/s1#1', 'a/s2#1', 'b/s0#1']);
    expect(stepOf(bench.last(), 'b', 's1').reason).toMatchObject({
      code: 'slot',
      message: expect.stringContaining('WORKER_MAX_PARALLEL_STEPS') as unknown,
      data: { limit: 'worker', at_once: 4 },
    });
    bench.call('b/s0#1').end(OK);
    await settled();
    expect(bench.keys()[4]).toBe('b/s1#1');
    for (const call of [...bench.shell.open]) call.end(OK);
    await settled();
    bench.call('b/s2#1').end(OK);
    expect((await bench.result).state.status).toBe('success');
    expect(bench.shell.mostAtOnce).toBe(4);
  });

  it('gives a slot that is free to another stage when the first has reached its own limit', async () => {
    const a = parallelStage('a', [step('x'), step('y')], { maxParallel: 1 });
    const bench = start(plan([a, wide('b', 1)]), { script: () => undefined });
    await settled();
    expect(bench.keys()).toEqual(['a/x#1', 'b/s0#1']);
    expect(stepOf(bench.last(), 'a', 'y')).toMatchObject({
      status: 'pending',
      reason: { code: 'slot', data: { limit: 'stage', at_once: 1 } },
    });
    for (const call of [...bench.shell.open]) call.end(OK);
    await settled();
    bench.call('a/y#1').end(OK);
    expect((await bench.result).state.status).toBe('success');
  });

  it('tells what a step waits for before its stage begins', async () => {
    const bench = start(inOrder([wide('a', 1), sequential('b', [step('x'), step('y')])]), {
      script: () => undefined,
    });
    await settled();
    expect(reasonOf(bench.last(), 'b', 'x')?.code).toBe('stage');
    bench.call('a/s0#1').end(OK);
    await settled();
    expect(stepOf(bench.last(), 'b', 'y')).toMatchObject({
      status: 'waiting',
      reason: { code: 'needs', data: { needs: ['x'], open: 1 } },
    });
    bench.call('b/x#1').end(OK);
    await settled();
    bench.call('b/y#1').end(OK);
    await bench.result;
  });
});

describe('outputs', () => {
  const two = (
    outputs: readonly string[],
    run = 'echo ${{ steps.a.outputs.v }}',
  ): ReturnType<typeof plan> =>
    inOrder([sequential('s', [step('a', { outputs }), step('b', { run })])]);

  it('hands outputs on as they are and shows them masked', async () => {
    const bench = await finished(two(['v']), {
      script: ({ key }) => (key === 's/a#1' ? { kind: 'success', outputs: { v: 'x s3cret' } } : OK),
    });
    expect(bench.shell.calls[1]?.attempt.environment['MILLRACE_EXPR_1']).toBe('x s3cret');
    expect(stepOf(bench.state, 's', 'a').outputs).toEqual({ v: 'x ***' });
    expect(JSON.stringify(bench.states)).not.toContain('s3cret');
  });

  it.each([
    ['an undeclared name', { w: '1' }],
    ['more than 64 KiB', { v: 'x'.repeat(65_536) }],
  ])('fails a step that sets %s', async (_title, outputs) => {
    const { state } = await finished(two(['v']), {
      script: () => ({ kind: 'success', exitCode: 0, outputs }),
    });
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'failed',
      reason: { code: 'output_invalid' },
    });
    expect(statuses(state)['s/b']).toBe('skipped');
  });

  it('takes exactly 64 KiB, and bounds the sum over the run', async () => {
    const names = Array.from({ length: 17 }, (_, index) => `s${index}`);
    const { state } = await finished(
      inOrder([
        sequential(
          's',
          names.map((name) => step(name, { outputs: ['v'] })),
        ),
      ]),
      { script: () => ({ kind: 'success', outputs: { v: 'x'.repeat(65_535) } }) },
    );
    expect(statuses(state)).toMatchObject({ 's/s15': 'success', 's/s16': 'failed' });
  });
});

describe('defects', () => {
  it('makes a handler that rejects an infrastructure failure', async () => {
    const { state } = await finished(
      inOrder([sequential('s', [step('a', { retry: { max: 0 } })])]),
      {
        script: (call) => {
          call.crash(new Error('null s3cret'));
          return undefined;
        },
      },
    );
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'failed',
      reason: { code: 'internal_error', message: expect.stringContaining('null ***') },
    });
    expect(state.status).toBe('failed');
  });

  it('does the same for an abort that nobody asked for', async () => {
    const { state } = await finished(inOrder([sequential('s', [step('a')])]), {
      script: () => ({ kind: 'aborted' }),
    });
    expect(stepOf(state, 's', 'a').reason?.code).toBe('internal_error');
  });

  it.each([
    ['an unknown format', { ...inOrder([]), format: 2 as 1 }, 'plan_format_unknown'],
    ['an unknown need', plan([parallelStage('a', [], { needs: ['b'] })]), 'plan_invalid'],
    ['a circle', plan([parallelStage('a', [step('x', { needs: ['x'] })])]), 'plan_invalid'],
    ['two of one name', plan([parallelStage('a', []), parallelStage('a', [])]), 'plan_invalid'],
  ])('refuses %s before anything runs', async (_title, of, code) => {
    const bench = start(of);
    await expect(bench.result).rejects.toMatchObject({ code });
    expect(bench.states).toEqual([]);
  });

  it('refuses a plan without a handler for it', async () => {
    const bench = start(inOrder([sequential('s', [step('a')])]), { ports: { handlers: [] } });
    await expect(bench.result).rejects.toMatchObject({ code: 'handler_missing' });
  });

  it('rejects, and ends what runs, when a port throws', async () => {
    const bench = start(plan([parallelStage('s', [step('a'), step('b')])]), {
      script: () => undefined,
      ports: {
        onState: (state) => {
          if (state.stages[0]?.steps[0]?.status === 'success') throw new Error('store is broken');
        },
      },
    });
    await settled();
    bench.call('s/a#1').end(OK);
    await expect(bench.result).rejects.toThrow('store is broken');
    await settled();
    expect(bench.shell.open.size).toBe(0);
  });
});

describe('environment of a step', () => {
  it('carries platform variables and merged levels', async () => {
    const bench = await finished(
      inOrder(
        [
          sequential('s', [step('a', { environment: { C: '${{ env.B }}3' } })], {
            environment: { B: '2' },
          }),
        ],
        {
          environment: { A: '1', CI_STAGE: 'mine', WHO: '${{ trigger.actor }}' },
        },
      ),
      {
        context: {
          executionId: 'e1',
          pipelineId: 'p1',
          pipelineName: 'shop',
          executionAttempt: 2,
          trigger: { event: 'push', branch: 'main', actor: 'ada' },
          inputs: {},
          environment: { A: 'trigger', CI: 'no' },
        },
      },
    );
    expect(bench.shell.calls[0]?.attempt.environment).toEqual({
      ...FIXED_VARIABLES,
      SHELL: '/bin/sh',
      CI: 'true',
      CI_EXECUTION_ID: 'e1',
      CI_PIPELINE: 'shop',
      CI_PIPELINE_ID: 'p1',
      CI_EXECUTION_ATTEMPT: '2',
      CI_ACTOR: 'ada',
      CI_BRANCH: 'main',
      CI_EVENT: 'push',
      CI_STAGE: 's',
      CI_STEP: 'a',
      CI_STEP_ATTEMPT: '1',
      CI_ATTEMPT: '2.1',
      A: 'trigger',
      B: '2',
      C: '23',
      WHO: 'ada',
    });
  });

  it('gives texts of a step the addresses of services, each asked for once a try', async () => {
    const asked: string[] = [];
    const found = { url: 'http://a:80/', host: 'a', port: 80 };
    const { keys, shell } = await finished(
      inOrder([
        sequential('s', [
          step('a', {
            run: 'x',
            environment: {
              A: '${{ services.shop.url }}',
              B: "${{ services[services.shop.host == 'a' && 'db' || 'none'].port }} ${{ env.A }}",
            },
          }),
        ]),
      ]),
      {
        ports: {
          findService: (name: string) => {
            asked.push(name);
            return Promise.resolve({ kind: 'found', service: { ...found, port: 5432 } } as const);
          },
        },
      },
    );
    expect(keys()).toEqual(['s/a#1']);
    expect(shell.calls[0]?.attempt.environment).toMatchObject({
      ...{ A: 'http://a:80/', B: '5432 http://a:80/' },
    });
    // The second name is known only once the first answer is there.
    expect(asked).toEqual(['shop', 'none', 'db']);
  });

  it('fails a step that reads an address which is not known, with the reason', async () => {
    const reading = inOrder([sequential('s', [step('a', { run: '${{ services.shop.url }}' })])]);
    const { state, keys } = await finished(reading, {
      ports: {
        findService: () =>
          Promise.resolve({ kind: 'unavailable', message: 'none passes' } as const),
      },
    });
    expect(keys()).toEqual([]);
    expect(stepOf(state, 's', 'a')).toMatchObject({
      ...{ status: 'failed', reason: { code: 'service_unavailable', message: 'none passes' } },
    });
    const alone = await finished(reading);
    expect(stepOf(alone.state, 's', 'a').reason?.code).toBe('service_unavailable');
  });

  it('ends as it was told to where a stop comes while an address is looked for', async () => {
    let asked: AbortSignal | undefined;
    const bench = start(
      inOrder([sequential('s', [step('a', { run: '${{ services.shop.url }}' })])]),
      {
        ports: {
          findService: (_name, signal) =>
            new Promise((resolve) => {
              asked = signal;
              const end = { kind: 'unavailable', message: 'given up' } as const;
              signal.addEventListener('abort', () => resolve(end));
            }),
        },
      },
    );
    await settled();
    expect(asked?.aborted).toBe(false);
    bench.stop(CANCEL);
    const { state } = await bench.result;
    expect(stepOf(state, 's', 'a').status).toBe('cancelled');
    expect(bench.keys()).toEqual([]);
  });

  it('fails a step with a wrong expression, without calling the handler', async () => {
    const { state, keys, lines } = await finished(
      inOrder([
        sequential('s', [
          step('a', { run: "${{ matches('x', env.P) }}", environment: { P: '(' } }),
        ]),
      ]),
    );
    expect(keys()).toEqual([]);
    expect(stepOf(state, 's', 'a')).toMatchObject({
      status: 'failed',
      reason: { code: 'expression_failed', data: { problem: 'invalid_pattern' } },
      attempts: [{ number: 1, status: 'failed' }],
    });
    expect(lines).toHaveLength(1);
  });
});
