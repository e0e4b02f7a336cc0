import { LimitClock } from './limit-clock.js';
import { ManualClock } from './run-plan.fixture.js';

describe('LimitClock', () => {
  const clocked = (limit: number | undefined, before = 0) => {
    const time = new ManualClock();
    let passed = 0;
    const after = (ms: number, callback: () => void) => time.after(ms, callback);
    const clock = new LimitClock(
      () => time.now(),
      after,
      limit,
      () => (passed += 1),
      before,
    );
    return { time, clock, passed: () => passed };
  };

  it('counts only while it runs', async () => {
    const { time, clock, passed } = clocked(100);
    clock.run();
    await time.advance(60);
    clock.pause();
    await time.advance(1_000);
    expect([clock.ranMs, passed()]).toEqual([60, 0]);
    clock.run();
    clock.run();
    await time.advance(39);
    expect(passed()).toBe(0);
    await time.advance(1);
    expect(passed()).toBe(1);
  });

  it('counts what ran before', async () => {
    const { time, clock, passed } = clocked(100, 90);
    clock.run();
    await time.advance(10);
    expect([clock.ranMs, passed()]).toEqual([100, 1]);
  });

  it('never ends by a limit once it is stopped, or without one', async () => {
    const stopped = clocked(100);
    stopped.clock.run();
    stopped.clock.stop();
    stopped.clock.run();
    await stopped.time.advance(1_000);
    expect([stopped.clock.ranMs, stopped.passed()]).toEqual([0, 0]);
    const free = clocked(undefined);
    free.clock.run();
    await free.time.advance(1_000);
    expect([free.clock.ranMs, free.passed(), free.time.pending]).toEqual([1_000, 0, 0]);
  });
});
