import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../../../test/support/eventually.js';
import {
  isAlive,
  isStopped,
  parseStat,
  readCpuMs,
  readProcess,
  readStartTicks,
} from './process-stat.js';

const statOf = (state: string, threads = 1): string => {
  const after = Array.from({ length: 30 }, (_, index) => String(index + 3));
  after[17] = String(threads);
  return `42 (a ) b (c)) ${[state, ...after.slice(1)].join(' ')}`;
};

describe('the line of a process in /proc', () => {
  it('is read past a name with blanks and parentheses', () => {
    expect(parseStat(42, statOf('S'))).toEqual({
      pid: 42,
      parentPid: 4,
      processGroup: 5,
      session: 6,
      startTicks: 22,
    });
  });

  it('is none for a process that has ended, but for one of which other threads run', () => {
    expect(parseStat(42, statOf('Z'))).toBeUndefined();
    expect(parseStat(42, statOf('X'))).toBeUndefined();
    expect(parseStat(42, statOf('Z', 3))).toMatchObject({ pid: 42 });
  });
});

describe('whether a process lives', () => {
  it('is told by its pid and its start', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const identity = readProcess(child.pid ?? 0);
    expect(identity?.startTicks).toBe(readStartTicks(child.pid ?? 0));
    if (!identity) throw new Error('the child does not run');
    expect(isAlive(identity)).toBe(true);
    expect(isAlive({ ...identity, startTicks: 1 })).toBe(false);
    expect(isStopped(identity.pid)).toBe(false);
    child.kill('SIGSTOP');
    expect(isAlive(identity)).toBe(true);
    await eventually(() => isStopped(identity.pid) || undefined);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(identity)).toBe(false);
    expect(isStopped(identity.pid)).toBe(false);
  });
});

it('the time of the processor that a process took is known while it lives', async () => {
  const busy = spawn(process.execPath, ['-e', 'for (;;);']);
  const pid = busy.pid ?? 0;
  await eventually(() => readCpuMs(pid) > 300 || undefined);
  busy.kill('SIGKILL');
  await once(busy, 'exit');
  expect(readCpuMs(pid)).toBe(0);
});
