import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import {
  type ProcessEntry,
  readProcess,
  readProcFile,
  tolerant,
} from '../../../common/child-process/process-stat.js';

/** What the kernel says of a process that is in no audit session: -1 as a number without a sign. */
const NO_AUDIT_SESSION = '4294967295';

/** Numbers of all processes, zombies too. */
export function readPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) pids.push(Number(name));
  }
  return pids;
}

/**
 * The living processes (no zombies), as far as one reading sees them. Costs about 10 µs a process.
 */
export function readProcessTable(): ProcessEntry[] {
  return readPids().flatMap((pid) => readProcess(pid) ?? []);
}

/**
 * The value of `/proc/PID/oom_score_adj`, which a child inherits whatever it does to its
 * environment or session.
 */
export function readOomScoreAdjustment(pid: number): number | undefined {
  const text = readProcFile(`/proc/${pid}/oom_score_adj`);
  return text === undefined ? undefined : Number(text);
}

/**
 * Value of a variable in the environment that the process was started with; reads the first 64 KiB
 * of it.
 */
export function readEnvironmentVariable(pid: number, name: string): string | undefined {
  const text = readProcFile(`/proc/${pid}/environ`);
  if (text === undefined) return undefined;
  const prefix = `${name}=`;
  const begin = text.startsWith(prefix) ? 0 : text.indexOf(`\0${prefix}`) + 1;
  if (begin === 0 && !text.startsWith(prefix)) return undefined;
  const end = text.indexOf('\0', begin);
  return text.slice(begin + prefix.length, end < 0 ? undefined : end);
}

/**
 * The number that the kernel gave last, to a process or a thread. They go up, to the limit and then
 * from below again. Undefined where `/proc/loadavg` does not tell.
 */
export function readLastPid(): number | undefined {
  const last = Number(readProcFile('/proc/loadavg')?.trim().split(' ')[4]);
  return Number.isNaN(last) ? undefined : last;
}

export function readWorkingDirectory(pid: number): string | undefined {
  return tolerant(() => readlinkSync(`/proc/${pid}/cwd`));
}

/** The owner's write bit of `/proc/PID/fd/N`: the descriptor is open for writing; see proc(5). */
const OPEN_FOR_WRITING = 0o200;

/** The files that the process has open for writing; empty when it may not be read. */
export function readWrittenFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const names = tolerant(() => readdirSync(folder)) ?? [];
  return names.flatMap((name) => {
    const descriptor = `${folder}/${name}`;
    const stats = tolerant(() => lstatSync(descriptor));
    if (stats === undefined || (stats.mode & OPEN_FOR_WRITING) === 0) return [];
    return tolerant(() => readlinkSync(descriptor)) ?? [];
  });
}

/** Real, effective and saved user of the process; none when it is gone. */
export function readOwners(pid: number): readonly number[] {
  return /^Uid:\t(\d+)\t(\d+)\t(\d+)/m.exec(readStatus(pid))?.slice(1).map(Number) ?? [];
}

/** Effective capabilities of the process, as bits; see capabilities(7). */
export function readCapabilities(pid: number): bigint {
  return BigInt(`0x${/^CapEff:\t([0-9a-f]+)/m.exec(readStatus(pid))?.[1] ?? '0'}`);
}

/** Audit session of the process (see `audit-sessions.ts`); undefined when it is in none. */
export function readAuditSession(pid: number): number | undefined {
  const text = readProcFile(`/proc/${pid}/sessionid`);
  return text === undefined || text === NO_AUDIT_SESSION ? undefined : Number(text);
}

function readStatus(pid: number): string {
  return readProcFile(`/proc/${pid}/status`) ?? '';
}
