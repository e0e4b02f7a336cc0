import { ManualClock } from '../../../engine/runtime/run-plan.fixture.js';
import { type ProbeResult, Readiness, type ReadyEnd, untilReady } from './readiness.js';

const PASSED = { passed: true, said: '' };
const failed = (said: string): ProbeResult => ({ passed: false, said });

describe('Readiness', () => {
  it('wants probes that pass one after another', () => {
    const readiness = new Readiness(3);
    const results = [PASSED, PASSED, failed('again'), PASSED, PASSED, PASSED];
    expect(results.map((one) => readiness.take(one))).toEqual([
      ...[false, false, false, false, false, true],
    ]);
  });

  it('remembers what the last probe that did not pass told', () => {
    const readiness = new Readiness(3);
    for (const one of [failed('first'), failed('second'), PASSED]) readiness.take(one);
    expect(readiness.said).toBe('second');
  });
});

describe('untilReady', () => {
  function watch(probe: () => Promise<ProbeResult>): {
    readonly clock: ManualClock;
    readonly end: Promise<ReadyEnd>;
    readonly ended: () => boolean;
    readonly stop: () => void;
  } {
    const clock = new ManualClock();
    let stop = (): void => undefined;
    const over = new Promise<'over'>((resolve) => (stop = () => resolve('over')));
    let isEnded = false;
    const end = untilReady({ probe, needed: 3, intervalMs: 1_000, timeoutMs: 10_000, clock, over });
    void end.then(() => (isEnded = true));
    return { clock, end, ended: () => isEnded, stop };
  }

  it('probes at once, then in intervals, and not more often than it has to', async () => {
    let probes = 0;
    const { clock, end, ended } = watch(async () => {
      probes += 1;
      return PASSED;
    });
    await clock.advance(1_999);
    expect([probes, ended()]).toEqual([2, false]);
    await clock.advance(1);
    expect(await end).toEqual({ kind: 'ready', said: '' });
    expect([probes, clock.pending]).toEqual([3, 0]);
  });

  it('ends when the time is up, with what the last probe told', async () => {
    let probes = 0;
    const { clock, end } = watch(async () => failed(`probe ${(probes += 1)}`));
    await clock.advance(10_000);
    expect(await end).toEqual({ kind: 'late', said: 'probe 10' });
    expect(clock.pending).toBe(0);
  });

  it('ends when the time is up though a probe hangs', async () => {
    const { clock, end } = watch(() => new Promise(() => undefined));
    await clock.advance(10_000);
    expect(await end).toEqual({ kind: 'late', said: '' });
  });

  it('ends at once when it is over, during a probe and between two', async () => {
    const hanging = watch(() => new Promise(() => undefined));
    hanging.stop();
    expect((await hanging.end).kind).toBe('over');
    const waiting = watch(async () => failed('no'));
    await waiting.clock.advance(500);
    waiting.stop();
    expect(await waiting.end).toEqual({ kind: 'over', said: 'no' });
    expect(waiting.clock.pending).toBe(0);
  });
});
