import type { Alert } from './alert.js';
import type { AlertStore } from './alert-store.js';

/** Tries against others who change the same. */
const MOST_TRIES = 10;

/**
 * Changes an alert as it is now. False: nothing was to be changed, or it is gone.
 * @param to undefined: nothing is to be changed; it may be called again
 * @throws Error when others are always faster
 */
export async function changeAlert(
  store: AlertStore,
  id: string,
  to: (seen: Alert) => Alert | undefined,
): Promise<boolean> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const seen = await store.find(id);
    const next = seen && to(seen);
    if (seen === undefined || next === undefined) return false;
    if (await store.save({ ...next, version: seen.version + 1 })) return true;
  }
  throw new Error('an alert is changed by others all the time');
}
