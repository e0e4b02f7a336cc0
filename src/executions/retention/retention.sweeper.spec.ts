import { Logger } from '@nestjs/common';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import type { ExecutionRetention, ShouldContinue } from './execution-retention.js';
import { RetentionSweeper } from './retention.sweeper.js';

Logger.overrideLogger(false);

const NOTHING = { aged: 0, surplus: 0, strays: 0, kept: 0 };
const LEASE_MS = 60_000;

describe('RetentionSweeper', () => {
  let store: MemoryLeaseStore;
  let sweeps: string[];
  let rules: [number, number][];
  let sweepers: RetentionSweeper[];

  const create = (
    name: string,
    sweep: (shouldContinue: ShouldContinue) => Promise<void> = () => Promise.resolve(),
    rule = { retentionDays: 7, retentionCount: 9 },
  ): RetentionSweeper => {
    const retention: Pick<ExecutionRetention, 'sweep'> = {
      sweep: async ({ days, count }, _now, shouldContinue) => {
        rules.push([days, count]);
        sweeps.push(name);
        await sweep(shouldContinue);
        return NOTHING;
      },
    };
    const sweeper = new RetentionSweeper(
      rule as MillraceConfig,
      retention as ExecutionRetention,
      new Leases(store),
    );
    sweeper.onApplicationBootstrap();
    sweepers.push(sweeper);
    return sweeper;
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    store = new MemoryLeaseStore();
    sweeps = [];
    rules = [];
    sweepers = [];
  });
  afterEach(async () => {
    const stopped = Promise.all(sweepers.map((each) => each.onApplicationShutdown()));
    await pass(2 * LEASE_MS);
    await stopped;
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('sweeps soon after the start, in one of the processes, and then rests for ten minutes', async () => {
    ['a', 'b', 'c'].forEach((name) => create(name));
    await pass(60_000);
    expect(sweeps).toHaveLength(1);
    await pass(9 * 60_000 - 5_000);
    expect(sweeps).toHaveLength(1);
    await pass(60_000);
    expect(sweeps).toHaveLength(2);
  });

  it('sweeps by the rule, and not at all where everything is kept', async () => {
    create('rule');
    create('none', undefined, { retentionDays: 0, retentionCount: 0 });
    await pass(60 * 60_000);
    expect(new Set(sweeps)).toEqual(new Set(['rule']));
    expect(rules[0]).toEqual([7, 9]);
  });

  it('asks again when the store of leases is away', async () => {
    const spy = jest.spyOn(store, 'find').mockRejectedValue(new Error('away'));
    create('a');
    await pass(60_000);
    expect(sweeps).toEqual([]);
    spy.mockRestore();
    await pass(30_000);
    expect(sweeps).toEqual(['a']);
  });

  it('tries a sweep that failed again after a minute', async () => {
    create('a', () => Promise.reject(new Error('a part is away')));
    await pass(30_000);
    expect(sweeps).toHaveLength(1);
    await pass(80_000);
    expect(sweeps).toHaveLength(2);
  });

  it('takes over from a process that is heard of no more', async () => {
    create('dead', () => new Promise(() => undefined));
    await pass(5_000);
    jest.spyOn(store, 'renew').mockReturnValue(new Promise(() => undefined));
    create('heir');
    await pass(5_000);
    expect(sweeps).toEqual(['dead']);
    await pass(LEASE_MS + 25_000);
    expect(sweeps).toEqual(['dead', 'heir']);
    // It never comes back, so nothing waits for it.
    sweepers.shift();
  });

  it('ends between two batches when it has lost the lease', async () => {
    const asked: boolean[] = [];
    create('a', async (shouldContinue) => {
      asked.push(await shouldContinue());
      await store.take('retention', 'thief', LEASE_MS, await store.find('retention'));
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
      asked.push(await shouldContinue());
    });
    await pass(2 * LEASE_MS + 10_000);
    expect(asked).toEqual([true, false]);
    expect((await store.find('retention'))?.holder).toBe('thief');
  });

  it('stopped in a sweep, leaves it to the next process at once', async () => {
    const first = create('first', async (shouldContinue) => {
      while (await shouldContinue()) await new Promise((resolve) => setTimeout(resolve, 1_000));
    });
    await pass(5_000);
    const stop = first.onApplicationShutdown();
    await pass(5_000);
    await stop;
    create('second');
    await pass(5_000);
    expect(sweeps).toEqual(['first', 'second']);
  });
});
