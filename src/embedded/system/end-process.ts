import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../common/child-process/process-stat.js';

/** `startTicks` tells two processes of one pid apart. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** The arguments of a process, joined by blanks; undefined when there is none with that pid. */
export async function readCommandLine(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return text.split('\0').join(' ').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/**
 * Ends a process: `signal`, then SIGKILL after `graceMs`. Resolves when it is gone; a process that
 * has ended already, or whose pid belongs to another one now, is left alone.
 */
export async function endProcess(
  process: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  const deadline = Date.now() + graceMs;
  let killed = false;
  if (isAlive(process)) send(process.pid, signal);
  while (isAlive(process)) {
    if (Date.now() > deadline && !killed) {
      send(process.pid, 'SIGKILL');
      killed = true;
    }
    await sleep(20);
  }
}

/**
 * Kills the process group of a child that was spawned `detached`; one that has ended, or never
 * began, is left alone.
 */
export function killGroup(leader: number | undefined): void {
  if (leader !== undefined) send(-leader, 'SIGKILL');
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
