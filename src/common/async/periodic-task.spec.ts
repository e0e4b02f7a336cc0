import { PeriodicTask } from './periodic-task.js';

beforeEach(() => {
  jest.useFakeTimers();
  // No jitter: 0.75 + 0.5 * 0.5 = 1.
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a periodic task', () => {
  it('counts the interval from the end of a round, and never does two at a time', async () => {
    let started = 0;
    let end: () => void = () => undefined;
    const task = new PeriodicTask(
      () => {
        started += 1;
        return new Promise<void>((resolve) => (end = resolve));
      },
      { everyMs: 1_000 },
    );
    task.start();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(started).toBe(1);
    end();
    await jest.advanceTimersByTimeAsync(999);
    expect(started).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(started).toBe(2);
    end();
    await task.stop();
  });

  it('waits at its stop for the round that is under way, and starts no other', async () => {
    let started = 0;
    let end: () => void = () => undefined;
    const task = new PeriodicTask(
      () => {
        started += 1;
        return new Promise<void>((resolve) => (end = resolve));
      },
      { everyMs: 1_000, firstAfterMs: 10 },
    );
    task.start();
    await jest.advanceTimersByTimeAsync(10);
    let isStopped = false;
    void task.stop().then(() => (isStopped = true));
    await jest.advanceTimersByTimeAsync(0);
    expect(isStopped).toBe(false);
    end();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(isStopped).toBe(true);
    expect(started).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('starts a round a quarter earlier or later than it is told', async () => {
    const starts: number[] = [];
    const at = Date.now();
    const task = new PeriodicTask(
      () => {
        starts.push(Date.now() - at);
        return Promise.resolve();
      },
      { everyMs: 1_000 },
    );
    jest.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.999);
    task.start();
    await jest.advanceTimersByTimeAsync(2_100);
    await task.stop();
    expect(starts).toEqual([750, 1_999]);
  });
});
