import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseUnavailable, isWriteConflict } from './database-errors.js';
import { currentPatience } from './database-patience.js';

export interface RetryOptions {
  /**
   * Give up this many milliseconds after the first call, in a request sooner (`REQUEST_MS`); the
   * last error is thrown.
   */
  readonly deadlineMs: number;
  /** Stops waiting; the last error is thrown. */
  readonly signal?: AbortSignal;
}

const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 1_000;

/**
 * Runs an **idempotent** database call and runs it again while the database is away or a write lost
 * a race.
 *
 * The outcome of a broken call is unknown, so the call must mean the same when it is applied twice:
 * insert with a known `_id` (and take a duplicate key as done), `$set` under a filter, read. Never
 * `$inc` or `$push`.
 */
export async function databaseRetry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const retryMs = Math.min(options.deadlineMs, currentPatience().retryMs());
  const giveUpAt = performance.now() + retryMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isDatabaseUnavailable(error) && !isWriteConflict(error)) throw error;
      const jittered = delay * (0.5 + Math.random());
      if (options.signal?.aborted || performance.now() + jittered > giveUpAt) throw error;
      await pause(jittered, options.signal);
    }
  }
}

/**
 * Sleeps; an abort ends the sleep early, and the loop above then gives up with the call's own
 * error.
 */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
