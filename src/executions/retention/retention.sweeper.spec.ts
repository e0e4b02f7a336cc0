import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { ExecutionRetention } from './execution-retention.js';
import { RetentionSweeper } from './retention.sweeper.js';
import type { SweepsRepository } from './sweeps.repository.js';

Logger.overrideLogger(false);

describe('RetentionSweeper', () => {
  let isItsTurn: boolean;
  let batches: number;
  let events: string[];
  let sweeper: RetentionSweeper;

  function make(config: Partial<MillraceConfig>): RetentionSweeper {
    sweeper = new RetentionSweeper(
      config as MillraceConfig,
      standIn<ExecutionRetention>({
        sweep: async ({ days, count }, _now, goOn) => {
          events.push(`sweep ${days} ${count}`);
          for (let batch = 1; batch <= batches; batch += 1) {
            if (!(await goOn())) break;
            events.push(`batch ${batch}`);
            if (batch === 2) void sweeper.onApplicationShutdown();
          }
          return { executions: 1, chunks: 0 } as never;
        },
      }),
      standIn<SweepsRepository>({
        take: async () => isItsTurn,
        finish: async (_name, _holder, pauseMs) => void events.push(`pause ${pauseMs}`),
      }),
    );
    return sweeper;
  }

  beforeEach(() => {
    isItsTurn = true;
    batches = 1;
    events = [];
    make({ retentionDays: 3, retentionCount: 9 });
  });

  it('sweeps by the rule when it is its turn, and leaves 10 minutes to the next', async () => {
    await sweeper.sweep();
    expect(events).toEqual(['sweep 3 9', 'batch 1', 'pause 600000']);
  });

  it('leaves it to the process whose turn it is', async () => {
    isItsTurn = false;
    await sweeper.sweep();
    expect(events).toEqual([]);
  });

  it('stops between two batches, and the next process may begin at once', async () => {
    batches = 9;
    await sweeper.sweep();
    expect(events).toEqual(['sweep 3 9', 'batch 1', 'batch 2', 'pause 0']);
  });

  it('never rejects: what fails is tried again in time', async () => {
    const failing = new RetentionSweeper(
      { retentionDays: 1, retentionCount: 0 } as MillraceConfig,
      standIn<ExecutionRetention>({}),
      standIn<SweepsRepository>({ take: () => Promise.reject(new Error('away')) }),
    );
    await expect(failing.sweep()).resolves.toBeUndefined();
  });

  it.each([
    [{ retentionDays: 0, retentionCount: 0 }, 0],
    [{ retentionDays: 0, retentionCount: 5 }, 1],
  ])('asks for its turn where something is to be removed: %j', async (config, sweeps) => {
    jest.useFakeTimers();
    try {
      batches = 0;
      const each = make(config);
      each.onApplicationBootstrap();
      await jest.advanceTimersByTimeAsync(10_000);
      expect(events.filter((event) => event.startsWith('sweep'))).toHaveLength(sweeps);
      await each.onApplicationShutdown();
    } finally {
      jest.useRealTimers();
    }
  });
});
