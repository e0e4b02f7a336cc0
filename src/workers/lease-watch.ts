/** A worker whose lease stood still in both stores for so long is lost. */
export const LEASE_MS = 15_000;

interface Sighting {
  value: string | undefined;
  /** Observer's monotonic time at which the value was first seen, or since when the observer can see at all. */
  since: number;
}

interface WatchedWorker {
  readonly database: Sighting;
  readonly redis: Sighting;
}

/** One look at one store: the beat of every live worker, or that the store could not be read. */
export type Look = ReadonlyMap<string, string | undefined> | 'unreachable';

/**
 * Decides which workers are lost. Pure: it gets what an observer saw and the observer's own monotonic time, and
 * compares beats, never clocks of different machines.
 *
 * Lost = the beat has not changed for `LEASE_MS` in the database *and* in Redis, while the observer could read
 * both all that time. A store that cannot be read starts its count again, so no outage of a store makes a worker lost.
 */
export class LeaseWatch {
  private readonly watched = new Map<string, WatchedWorker>();

  /** Returns the ids of workers that are lost as of `now` (monotonic milliseconds). */
  observe(workerIds: readonly string[], database: Look, redis: Look, now: number): string[] {
    for (const id of this.watched.keys()) if (!workerIds.includes(id)) this.watched.delete(id);
    const lost: string[] = [];
    for (const id of workerIds) {
      const worker = this.watch(id, now);
      see(worker.database, id, database, now);
      see(worker.redis, id, redis, now);
      const stale = Math.min(now - worker.database.since, now - worker.redis.since);
      if (stale >= LEASE_MS) lost.push(id);
    }
    return lost;
  }

  private watch(id: string, now: number): WatchedWorker {
    let worker = this.watched.get(id);
    if (!worker) {
      worker = {
        database: { value: undefined, since: now },
        redis: { value: undefined, since: now },
      };
      this.watched.set(id, worker);
    }
    return worker;
  }
}

function see(sighting: Sighting, id: string, look: Look, now: number): void {
  if (look === 'unreachable') {
    sighting.since = now;
    return;
  }
  const value = look.get(id);
  if (value === sighting.value) return;
  sighting.value = value;
  sighting.since = now;
}
