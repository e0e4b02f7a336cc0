import type { HealthChunk } from './health-chunk.js';
import type { Resolution } from './health-rows.js';

/**
 * Port: rows of what was seen. All methods may be called concurrently and from several processes,
 * and reject when the store is away; every write may be repeated. Adapters: the database and
 * memory.
 */
export abstract class HealthHistory {
  /** Those that are stored already stay as they are. */
  abstract insert(chunks: readonly HealthChunk[]): Promise<void>;
  /**
   * Of one service, the oldest first: those that begin within the time, the end left out.
   * @param limit so many of them
   */
  abstract between(
    service: string,
    resolution: Resolution,
    from: Date,
    until: Date,
    limit: number,
  ): Promise<readonly HealthChunk[]>;
  /** Services of which a chunk begins within the time, the end left out. */
  abstract services(resolution: Resolution, from: Date, until: Date): Promise<readonly string[]>;
  abstract removeBefore(resolution: Resolution, time: Date): Promise<void>;
  abstract removeService(service: string): Promise<void>;
}
