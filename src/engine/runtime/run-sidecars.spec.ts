import type { SidecarPlan } from '../plan/sidecar-plan.js';
import {
  CANCEL,
  EXIT_1,
  finished,
  inOrder,
  INTERRUPT,
  OK,
  plan,
  reasonOf,
  sequential,
  settled,
  start,
  statuses,
  step,
} from './run-plan.fixture.js';
import { SidecarHost, type SidecarsStarted, type SidecarStart } from './sidecar-host.js';

const sidecar = (name: string, over: Partial<SidecarPlan> = {}): SidecarPlan => ({
  ...{ name, needs: [], image: `${name}:1`, environment: {}, ports: [] },
  ...over,
});
const NOT_READY: SidecarsStarted = {
  kind: 'failed',
  address: { stage: 'a', step: 'sidecar:db', attempt: 1 },
  reason: { code: 'sidecar_not_ready', message: 's3cret was refused' },
  exitCode: 3,
};

/** Notes what it is asked, beside what steps do; a test ends a start by hand. */
class FakeHost extends SidecarHost {
  readonly asked: SidecarStart[] = [];
  end: (end: SidecarsStarted) => void = () => undefined;
  stopped: () => void = () => undefined;
  holdsStop = false;

  constructor(
    readonly log: string[],
    private readonly answer: SidecarsStarted | 'later' = { kind: 'ready' },
  ) {
    super();
  }

  start(sidecars: readonly SidecarStart[], signal: AbortSignal): Promise<SidecarsStarted> {
    this.asked.push(...sidecars);
    const names = sidecars.map(({ address }) => `${address.stage}/${address.step}`);
    this.log.push(`start ${names.join(' ')}`);
    return new Promise((resolve) => {
      this.end = resolve;
      signal.addEventListener('abort', () => resolve({ kind: 'aborted' }));
      if (this.answer !== 'later') resolve(this.answer);
    });
  }

  async stop(stage: string): Promise<void> {
    this.log.push(`stop ${stage}`);
    if (this.holdsStop) await new Promise<void>((resolve) => (this.stopped = resolve));
  }

  async stopAll(): Promise<void> {
    this.log.push('stop all');
  }
}

describe('sidecars of a run', () => {
  const log: string[] = [];
  beforeEach(() => log.splice(0, Infinity));
  const script = ({ key }: { readonly key: string }): typeof OK => {
    log.push(key);
    return OK;
  };

  it('start behind the clone and before the first stage, and stop behind the hooks', async () => {
    const of = inOrder(
      [sequential('a', [step('x')], { sidecars: [sidecar('q')] }), sequential('b', [step('y')])],
      {
        repository: { url: 'https://x.test/a.git' },
        sidecars: [sidecar('db')],
        always: [step('last')],
      },
    );
    const sidecars = new FakeHost(log);
    const { state } = await finished(of, { script, git: script, ports: { sidecars } });
    expect(state.status).toBe('success');
    expect(log).toEqual([
      '/checkout#1',
      'start /sidecar:db',
      'start a/sidecar:q',
      'a/x#1',
      'stop a',
      'b/y#1',
      'always/last#1',
      'stop all',
    ]);
  });

  it('get what is written for them, and nothing else of what is around', async () => {
    const of = plan(
      [
        sequential('a', [step('x')], {
          environment: { B: 'stage' },
          sidecars: [
            sidecar('db', {
              image: 'db:${{ env.A }}',
              environment: { C: '${{ env.A }} ${{ env.B }} ${{ env.P }}', D: 'd ${{ env.C }}' },
              secrets: ['S', 'GONE'],
            }),
          ],
        }),
      ],
      { environment: { A: 'pipeline' }, secrets: ['P'] },
    );
    const sidecars = new FakeHost(log);
    const secret = (name: string): string | undefined =>
      name === 'GONE' ? undefined : `of ${name}`;
    const { lines } = await finished(of, { ports: { sidecars, secret } });
    expect(sidecars.asked[0]?.plan.image).toBe('db:pipeline');
    expect({ ...sidecars.asked[0]?.environment }).toEqual({
      C: 'pipeline stage of P',
      D: 'd pipeline stage of P',
      S: 'of S',
    });
    expect(lines).toEqual(['a/sidecar:db: secrets are not given to this run: GONE']);
  });

  it('of a stage fail it without a step of it when they are not ready', async () => {
    const of = inOrder([
      sequential('a', [step('x'), step('y', { when: 'always()' })], { sidecars: [sidecar('db')] }),
      sequential('b', [step('z')]),
    ]);
    const sidecars = new FakeHost(log, NOT_READY);
    const { state, keys } = await finished(of, { ports: { sidecars } });
    expect(keys()).toEqual([]);
    expect(statuses(state)).toEqual({
      ...{ a: 'failed', 'a/x': 'skipped', 'a/y': 'skipped' },
      ...{ b: 'skipped', 'b/z': 'skipped' },
    });
    expect(reasonOf(state, 'a')).toEqual({ code: 'sidecar_not_ready', message: '*** was refused' });
    expect(reasonOf(state, 'a', 'x')?.code).toBe('stage_failed');
    expect(state).toMatchObject({
      status: 'failed',
      reason: { code: 'sidecar_not_ready' },
      failure: {
        ...{ stage: 'a', step: 'sidecar:db', exitCode: 3 },
        lastLines: ['last of sidecar:db#1'],
      },
    });
    expect(log).toEqual(['start a/sidecar:db', 'stop a', 'stop all']);
  });

  it('of the run keep every stage from beginning when they are not ready; hooks run', async () => {
    const of = plan([sequential('a', [step('x')])], {
      sidecars: [sidecar('db')],
      onFailure: [step('h')],
    });
    const sidecars = new FakeHost(log, NOT_READY);
    const { state, keys } = await finished(of, { ports: { sidecars } });
    expect(statuses(state)).toEqual({ a: 'skipped', 'a/x': 'skipped' });
    expect(keys()).toEqual(['on_failure/h#1']);
    expect(state).toMatchObject({ status: 'failed', reason: { code: 'sidecar_not_ready' } });
  });

  it('fail their stage by a text that cannot be evaluated, and are not started', async () => {
    const bad = sidecar('db', { environment: { A: "${{ matches('a', env.B) }}" } });
    const of = plan([sequential('a', [step('x')], { sidecars: [bad] })], {
      environment: { B: '(' },
    });
    const sidecars = new FakeHost(log);
    const { state } = await finished(of, { ports: { sidecars } });
    expect(reasonOf(state, 'a')?.code).toBe('expression_failed');
    expect(log).toEqual(['stop a', 'stop all']);
  });

  it('are waited for, with that reason, and their time is in no limit of a stage', async () => {
    const of = plan([
      sequential('a', [step('x')], { sidecars: [sidecar('db')], timeoutMs: 5_000 }),
    ]);
    const sidecars = new FakeHost(log, 'later');
    const bench = start(of, { ports: { sidecars } });
    await settled();
    expect(bench.last().stages[0]).toMatchObject({
      status: 'waiting',
      reason: { code: 'sidecars', data: { sidecars: ['db'] } },
    });
    await bench.clock.advance(60_000);
    expect(bench.keys()).toEqual([]);
    sidecars.end({ kind: 'ready' });
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({ a: 'success', 'a/x': 'success' });
  });

  it.each(['', 'a'])('of "%s" end by a cancel while they start', async (place) => {
    const beside = { sidecars: [sidecar('db')] };
    const of = plan(
      [sequential('a', [step('x')], place === '' ? {} : beside)],
      place === '' ? beside : {},
    );
    const sidecars = new FakeHost(log, 'later');
    const bench = start(of, { ports: { sidecars } });
    await settled();
    bench.stop(CANCEL);
    const { state } = await bench.result;
    expect(state.status).toBe('cancelled');
    expect(statuses(state)).toEqual({ a: 'cancelled', 'a/x': 'cancelled' });
    expect(log.at(-1)).toBe('stop all');
  });

  it('fail nothing that was cancelled before', async () => {
    const of = plan([sequential('a', [step('x')], { sidecars: [sidecar('db')] })]);
    const sidecars = new FakeHost(log, 'later');
    const bench = start(of, { ports: { sidecars } });
    await settled();
    // Both in one turn: the host had failed already when it heard of the cancel.
    sidecars.end(NOT_READY);
    bench.stop(CANCEL);
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({ a: 'cancelled', 'a/x': 'cancelled' });
    expect(state.failure).toBeUndefined();
  });

  it('end by an interruption while they start, with a stage that has no end', async () => {
    const of = plan([sequential('a', [step('x')], { sidecars: [sidecar('db')] })]);
    const sidecars = new FakeHost(log, 'later');
    const bench = start(of, { ports: { sidecars } });
    await settled();
    bench.stop(INTERRUPT);
    expect((await bench.result).kind).toBe('interrupted');
    expect(log).toEqual(['start a/sidecar:db', 'stop all']);
  });

  it('change nothing of how a stage ended while they stop', async () => {
    const of = plan([
      sequential('a', [step('x')], { sidecars: [sidecar('db')], timeoutMs: 5_000 }),
    ]);
    const sidecars = new FakeHost(log);
    sidecars.holdsStop = true;
    const bench = start(of, { ports: { sidecars } });
    await settled();
    expect(log).toEqual(['start a/sidecar:db', 'stop a']);
    expect(bench.last().stages[0]?.status).toBe('running');
    await bench.clock.advance(10_000);
    bench.stop(CANCEL);
    sidecars.stopped();
    const { state } = await bench.result;
    expect(statuses(state)).toEqual({ a: 'success', 'a/x': 'success' });
  });

  it('of a stage stop behind a step that failed, too', async () => {
    const of = plan([sequential('a', [step('x')], { sidecars: [sidecar('db')] })]);
    const sidecars = new FakeHost(log);
    const { state } = await finished(of, { script: () => EXIT_1, ports: { sidecars } });
    expect(statuses(state)).toEqual({ a: 'failed', 'a/x': 'failed' });
    expect(log).toEqual(['start a/sidecar:db', 'stop a', 'stop all']);
  });

  it('are not started for a stage that its `when` skips', async () => {
    const of = plan([sequential('a', [step('x')], { sidecars: [sidecar('db')], when: 'false' })]);
    await finished(of, { ports: { sidecars: new FakeHost(log) } });
    expect(log).toEqual(['stop all']);
  });

  it('cannot be run where nothing runs them', async () => {
    const of = plan([sequential('a', [step('x')], { sidecars: [sidecar('db')] })]);
    await expect(start(of).result).rejects.toMatchObject({ code: 'handler_missing' });
  });
});
