import { Logger } from '@nestjs/common';
import type { MillraceConfig } from '../config/millrace-config.js';
import { WorkerPulse } from './worker-pulse.js';

describe('the pulse of a worker', () => {
  let answer: (() => void) | undefined;
  let still: number;
  let pulse: WorkerPulse;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    still = 0;
    pulse = new WorkerPulse({ home: '/' } as MillraceConfig);
    pulse.start(
      () => (still += 1),
      () => new Promise<void>((resolve) => (answer = resolve)),
    );
  });
  afterEach(() => {
    pulse.stop();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('is steady while its file operations are answered', async () => {
    for (let second = 0; second < 60; second += 1) {
      await jest.advanceTimersByTimeAsync(1_000);
      answer?.();
    }
    expect([pulse.isSteady, still]).toEqual([true, 0]);
  });

  it('falters after 5 s without an answer, and is still, once, after 15', async () => {
    await jest.advanceTimersByTimeAsync(5_000);
    expect([pulse.isSteady, still]).toEqual([true, 0]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect([pulse.isSteady, still]).toEqual([false, 0]);
    await jest.advanceTimersByTimeAsync(9_000);
    expect(still).toBe(0);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(still).toBe(1);
  });

  it('is steady again with the first answer', async () => {
    await jest.advanceTimersByTimeAsync(8_000);
    answer?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(pulse.isSteady).toBe(true);
    await jest.advanceTimersByTimeAsync(14_000);
    expect(still).toBe(0);
  });

  it('takes a failure for an answer', async () => {
    pulse.stop();
    pulse.start(
      () => (still += 1),
      () => Promise.reject(new Error('ENOENT')),
    );
    await jest.advanceTimersByTimeAsync(30_000);
    expect([pulse.isSteady, still]).toEqual([true, 0]);
  });
});
