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

/**
 * Looks at the memory of processes from time to time. A process that has ended is not looked at any
 * more: that is no failure of who watches it.
 */
export class MemorySampler {
  private readonly ended = new Set<number>();
  private largest = 0;
  private readonly errors: unknown[] = [];
  private readonly timer: NodeJS.Timeout;

  /**
   * @param pids what is looked at; none yet is nothing
   * @param look bytes of one, e.g. `peakOf`
   */
  constructor(
    private readonly pids: readonly (number | undefined)[],
    private readonly look: (pid: number) => number,
    everyMs: number,
  ) {
    this.timer = setInterval(() => this.sample(), everyMs);
    this.sample();
  }

  /** Looks once more. The largest of all that was seen; 0: nothing. @throws what `look` threw */
  stop(): number {
    clearInterval(this.timer);
    this.sample();
    for (const error of this.errors) throw error;
    return this.largest;
  }

  private sample(): void {
    for (const pid of this.pids) {
      if (pid === undefined || this.ended.has(pid)) continue;
      try {
        this.largest = Math.max(this.largest, this.look(pid));
      } catch (error) {
        if (error instanceof ProcessEndedError) this.ended.add(pid);
        else this.errors.push(error);
      }
    }
  }
}

export class ProcessEndedError extends Error {
  constructor(pid: number) {
    super(`process ${pid} has ended`);
    this.name = 'ProcessEndedError';
  }
}

/** @throws ProcessEndedError also of one that nobody has waited for yet: it has no memory */
function fieldOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(statusOf(pid))?.[1];
  if (kilobytes === undefined) throw new ProcessEndedError(pid);
  return Number(kilobytes) * 1024;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') throw new ProcessEndedError(pid);
    throw error;
  }
}
