interface Sighting {
  value: string | undefined;
  /**
   * Observer's monotonic time at which the value was first seen, or since when the observer can see
   * at all.
   */
  since: number;
}

/**
 * What one store says of leases, by their names: a text that changes with every renewal, or that it
 * cannot be read.
 */
export type Reading = ReadonlyMap<string, string | undefined> | 'unreachable';

/**
 * Decides which leases ran out. Pure: it gets what an observer saw and the observer's own monotonic
 * time, and compares renewals, never clocks of different machines.
 *
 * Run out = not renewed for the lease's time in *any* store, while the observer could read all of
 * them all that time. A store that cannot be read starts its count again, so no outage of a store
 * makes a lease run out.
 */
export class LeaseWatch {
  private readonly watched = new Map<string, Sighting[]>();

  constructor(private readonly ttlMs: number) {}

  /**
   * Returns the names of leases that ran out as of `now` (monotonic milliseconds).
   * @param names all leases that are watched; others are forgotten
   * @param readings one of each store, always in the same order
   */
  observe(names: readonly string[], readings: readonly Reading[], now: number): string[] {
    for (const name of this.watched.keys()) if (!names.includes(name)) this.watched.delete(name);
    return names.filter((name) => {
      const sightings = this.sightingsOf(name, readings.length, now);
      readings.forEach((reading, store) => see(sightings[store], name, reading, now));
      return sightings.every(({ since }) => now - since >= this.ttlMs);
    });
  }

  private sightingsOf(name: string, stores: number, now: number): Sighting[] {
    let sightings = this.watched.get(name);
    if (!sightings) {
      sightings = Array.from({ length: stores }, () => ({ value: undefined, since: now }));
      this.watched.set(name, sightings);
    }
    return sightings;
  }
}

function see(sighting: Sighting | undefined, name: string, reading: Reading, now: number): void {
  if (sighting === undefined) throw new Error('a lease is watched in a fixed number of stores');
  if (reading === 'unreachable') {
    sighting.since = now;
    return;
  }
  const value = reading.get(name);
  if (value === sighting.value) return;
  sighting.value = value;
  sighting.since = now;
}
