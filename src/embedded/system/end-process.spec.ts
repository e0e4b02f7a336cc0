import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAlive, readProcess } from '../../common/child-process/process-stat.js';
import { endProcess, type ProcessIdentity } from './end-process.js';

describe('endProcess', () => {
  async function child(script: string): Promise<ProcessIdentity & { readonly exit: unknown }> {
    const process = spawn('/bin/sh', ['-c', `${script}; echo up; read -r x`], { stdio: 'pipe' });
    const exit = once(process, 'exit');
    await once(process.stdout, 'data');
    const found = readProcess(process.pid ?? 0);
    return { pid: found?.pid ?? 0, startTicks: found?.startTicks ?? 0, exit };
  }

  it('asks first and kills after the grace', async () => {
    const polite = await child('true');
    await endProcess(polite, 'SIGTERM', 5_000);
    expect(await polite.exit).toEqual([null, 'SIGTERM']);
    const stubborn = await child("trap '' TERM");
    await endProcess(stubborn, 'SIGTERM', 100);
    expect(await stubborn.exit).toEqual([null, 'SIGKILL']);
  });

  it('leaves a process alone that only has the same pid', async () => {
    const other = await child('true');
    await endProcess({ ...other, startTicks: 1 }, 'SIGKILL', 100);
    expect(isAlive(other)).toBe(true);
    await endProcess(other, 'SIGKILL', 100);
    expect(isAlive(other)).toBe(false);
  });
});
