import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endProcess, isRunning, parseStat, readProcess } from './process-identity.js';

describe('parseStat', () => {
  it('reads past a name with blanks and parentheses', () => {
    const after = Array.from({ length: 30 }, (_, index) => String(index + 3));
    const stat = `42 (a ) b (c)) ${['S', ...after.slice(1)].join(' ')}`;
    expect(parseStat(stat)).toEqual({ state: 'S', startTime: '22' });
  });
});

describe('endProcess', () => {
  async function child(script: string): Promise<{ pid: number; startTime: string; exit: unknown }> {
    const process = spawn('/bin/sh', ['-c', `${script}; echo up; read -r x`], { stdio: 'pipe' });
    const exit = once(process, 'exit');
    await once(process.stdout, 'data');
    const found = await readProcess(process.pid ?? 0);
    return { pid: found?.pid ?? 0, startTime: found?.startTime ?? '', exit };
  }

  it('asks first and kills after the grace', async () => {
    const polite = await child('true');
    await endProcess(polite.pid, polite.startTime, 'SIGTERM', 5000);
    expect(await polite.exit).toEqual([null, 'SIGTERM']);
    const stubborn = await child("trap '' TERM");
    await endProcess(stubborn.pid, stubborn.startTime, 'SIGTERM', 100);
    expect(await stubborn.exit).toEqual([null, 'SIGKILL']);
  });

  it('leaves a process alone that only has the same pid', async () => {
    const other = await child('true');
    await endProcess(other.pid, '1', 'SIGKILL', 100);
    expect(await isRunning(other.pid, other.startTime)).toBe(true);
    await endProcess(other.pid, other.startTime, 'SIGKILL', 100);
    expect(await isRunning(other.pid, other.startTime)).toBe(false);
  });
});
