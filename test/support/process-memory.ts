import { readFileSync, writeFileSync } from 'node:fs';

export const MIB = 1024 * 1024;

/** What a process has in memory now, bytes (`VmRSS` of proc(5)). */
export function residentOf(pid: number): number {
  return fieldOf(pid, 'VmRSS');
}

/** The most that it has had since `forgetPeak`, bytes (`VmHWM`). */
export function peakOf(pid: number): number {
  return fieldOf(pid, 'VmHWM');
}

/** See `clear_refs` in proc(5). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** @throws Error when the process is no more */
function fieldOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no ${field}: it has ended`);
  return Number(kilobytes) * 1024;
}
