import { closeSync, openSync, readSync } from 'node:fs';

/**
 * What `/proc/PID/stat` says of a living process. `pid` and `startTicks` together name a process
 * for good: pids come round again.
 */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  /** Clock ticks from the boot to the start of the process; see proc(5), field 22. */
  readonly startTicks: number;
}

/** Of times of processes, on every Linux (`USER_HZ`, see time(7)). */
const MS_PER_TICK = 10;
const GONE_OR_NOT_OURS = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR']);
const BUFFER = Buffer.allocUnsafe(64 * 1024);

/**
 * Undefined when there is no such process or it is a zombie; one of which only the first thread has
 * ended lives.
 */
export function readProcess(pid: number): ProcessEntry | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseStat(pid, stat);
}

/** When the process began; also of one that ended and was not collected yet. */
export function readStartTicks(pid: number): number | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(statFields(stat)[19]);
}

/** Milliseconds of the processor that it has taken, to 10; 0 for one that is gone. */
export function readCpuMs(pid: number): number {
  const stat = readProcFile(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  const fields = statFields(stat);
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** True while a signal or a tracer holds the process still. */
export function isStopped(pid: number): boolean {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat !== undefined && /^[Tt]$/.test(statFields(stat)[0] ?? '');
}

/** True while exactly this process lives: a pid that came round again does not count. */
export function isAlive(process: { readonly pid: number; readonly startTicks: number }): boolean {
  return readProcess(process.pid)?.startTicks === process.startTicks;
}

/** Differs after every boot, so that a pid in a file of yesterday is not taken for one of today. */
export function readBootId(): string {
  return readProcFile('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown';
}

/** Undefined for a process that has ended. */
export function parseStat(pid: number, stat: string): ProcessEntry | undefined {
  const fields = statFields(stat);
  const state = fields[0];
  if (fields.length < 20 || state === 'X') return undefined;
  // The state is that of the first thread: when that alone has ended, the others run on.
  if (state === 'Z' && Number(fields[17]) <= 1) return undefined;
  return {
    pid,
    parentPid: Number(fields[1]),
    processGroup: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

/** One read: the kernel gives a line of `/proc`, or 64 KiB of an environment, in one piece. */
export function readProcFile(path: string): string | undefined {
  return tolerant(() => {
    const fd = openSync(path, 'r');
    try {
      return BUFFER.toString('latin1', 0, readSync(fd, BUFFER, 0, BUFFER.length, null));
    } finally {
      closeSync(fd);
    }
  });
}

/**
 * Processes end while they are read, and those of others are closed to us: both are answers, not
 * errors.
 */
export function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (GONE_OR_NOT_OURS.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * `PID (name) state ppid pgrp session …`: the name may hold spaces and parentheses, so count from
 * the last one.
 */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 20);
}
