import type { HealthChunk } from './health-chunk.js';
import { HealthHistory } from './health-history.js';
import type { Resolution } from './health-rows.js';

/** Stands in for the database. */
export class MemoryHealthHistory extends HealthHistory {
  readonly chunks = new Map<string, HealthChunk>();

  insert(chunks: readonly HealthChunk[]): Promise<void> {
    for (const one of chunks) if (!this.chunks.has(one._id)) this.chunks.set(one._id, one);
    return Promise.resolve();
  }

  between(
    service: string,
    resolution: Resolution,
    from: Date,
    until: Date,
    limit: number,
  ): Promise<readonly HealthChunk[]> {
    const found = this.within(resolution, from, until).filter((one) => one.service === service);
    return Promise.resolve(found.slice(0, limit));
  }

  services(resolution: Resolution, from: Date, until: Date): Promise<readonly string[]> {
    const all = this.within(resolution, from, until).map(({ service }) => service);
    return Promise.resolve([...new Set(all)].sort());
  }

  removeBefore(resolution: Resolution, time: Date): Promise<void> {
    return this.remove((one) => one.resolution === resolution && one.from < time);
  }

  removeService(service: string): Promise<void> {
    return this.remove((one) => one.service === service);
  }

  private within(resolution: Resolution, from: Date, until: Date): HealthChunk[] {
    return [...this.chunks.values()]
      .filter((one) => one.resolution === resolution && one.from >= from && one.from < until)
      .sort((a, b) => a.from.getTime() - b.from.getTime());
  }

  private remove(which: (one: HealthChunk) => boolean): Promise<void> {
    for (const one of this.chunks.values()) if (which(one)) this.chunks.delete(one._id);
    return Promise.resolve();
  }
}
