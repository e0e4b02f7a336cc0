import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { MemorySampler, peakOf, ProcessEndedError, residentOf } from '../support/process-memory.js';

describe('MemorySampler', () => {
  it('keeps the largest, and stops quietly at a process that has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const sampler = new MemorySampler([child.pid, undefined], peakOf, 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(() => residentOf(child.pid ?? 0)).toThrow(ProcessEndedError);
    expect(sampler.stop()).toBeGreaterThan(0);
  });

  it('looks on at the others', () => {
    const seen: number[] = [];
    const sampler = new MemorySampler(
      [1, 2],
      (pid) => {
        seen.push(pid);
        if (pid === 1) throw new ProcessEndedError(1);
        return seen.length;
      },
      60_000,
    );
    expect(sampler.stop()).toBe(3);
    expect(seen).toEqual([1, 2, 2]);
  });

  it('throws what else went wrong, at its end', async () => {
    const sampler = new MemorySampler(
      [1],
      () => {
        throw new Error('no proc');
      },
      1,
    );
    await delay(5);
    expect(() => sampler.stop()).toThrow('no proc');
  });
});
