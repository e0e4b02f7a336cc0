import { MemorySampler, MIB, residentOf } from '../support/process-memory.js';

const INTERVAL_MS = 10;

/** Watches the resident memory of processes while something is done. */
export class MemoryWatch {
  private growth = 0;

  constructor(private readonly pids: () => readonly number[]) {}

  /** The largest growth of any one process during any one piece of work so far. */
  get growthMiB(): number {
    return this.growth / MIB;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = new Map(this.pids().map((pid) => [pid, residentOf(pid)]));
    const growthOf = (pid: number): number => residentOf(pid) - (before.get(pid) ?? 0);
    const sampler = new MemorySampler([...before.keys()], growthOf, INTERVAL_MS);
    try {
      return await work();
    } finally {
      this.growth = Math.max(this.growth, sampler.stop());
    }
  }
}
