import { readFile } from 'node:fs/promises';

/** What `/proc` says about a process; `startTime` (clock ticks since boot) tells two processes of one pid apart. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  /** One letter; `Z` is a process that has ended and was not collected yet. */
  readonly state: string;
  /** Arguments, joined by blanks. */
  readonly commandLine: string;
}

/** Looks a process up; undefined when there is none with that pid. */
export async function readProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    const commandLine = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8');
    const parsed = parseStat(stat);
    return { pid, ...parsed, commandLine: commandLine.split('\0').join(' ').trim() };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Reads `/proc/PID/stat` (proc(5)): the name in parentheses may itself hold blanks and parentheses. */
export function parseStat(stat: string): { readonly state: string; readonly startTime: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

/** True while the process of that pid and start time runs. */
export async function isRunning(pid: number, startTime: string): Promise<boolean> {
  const found = await readProcess(pid);
  return found !== undefined && found.startTime === startTime && found.state !== 'Z';
}

/**
 * Ends a process: `signal`, then SIGKILL after `graceMs`. Resolves when it is gone; a process that has ended already, or
 * whose pid belongs to another one now, is left alone.
 */
export async function endProcess(
  pid: number,
  startTime: string,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  const deadline = Date.now() + graceMs;
  let killed = false;
  if (await isRunning(pid, startTime)) send(pid, signal);
  while (await isRunning(pid, startTime)) {
    if (Date.now() > deadline && !killed) {
      send(pid, 'SIGKILL');
      killed = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Kills the process group of a child that was spawned `detached`; one that has ended, or never began, is left alone. */
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
