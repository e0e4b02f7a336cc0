import { readFileSync } from 'node:fs';

const INTERVAL_MS = 10;

/** Watches the resident memory of processes while something is done. */
export class MemoryWatch {
  private growth = 0;

  constructor(private readonly pids: () => readonly number[]) {}

  /** The largest growth of any one process during any one piece of work so far. */
  get growthMiB(): number {
    return this.growth / 1024;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = new Map(this.pids().map((pid) => [pid, residentKiB(pid)]));
    const look = (): void => {
      for (const [pid, kib] of before) this.growth = Math.max(this.growth, residentKiB(pid) - kib);
    };
    const timer = setInterval(look, INTERVAL_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      look();
    }
  }
}

function residentKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}
