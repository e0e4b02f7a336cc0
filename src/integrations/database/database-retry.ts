import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseUnavailable, isWriteConflict } from './database-errors.js';

export interface RetryOptions {
  /** Give up this many milliseconds after the first call; the last error is thrown. */
  readonly deadlineMs: number;
  /** Stops waiting; the last error is thrown. */
  readonly signal?: AbortSignal;
}

/** Longer than the driver's own limits, which end a call in all cases but the one that `databaseCall` is for. */
const CALL_LIMIT_MS = 15_000;
const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 1_000;

/**
 * Runs one database call and gives up on it after 15 s. The driver (7.8) waits without end when it writes to a socket
 * that has just been destroyed: `drain` never comes, and the socket's own time limit went with the socket.
 * @throws what the call throws, or an error for which `isDatabaseUnavailable` holds
 */
export async function databaseCall<T>(
  call: () => Promise<T>,
  limitMs: number = CALL_LIMIT_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`the database did not answer within ${limitMs} ms`);
      reject(Object.assign(error, { name: 'DatabaseCallTimeoutError' }));
    }, limitMs);
  });
  try {
    return await Promise.race([call(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs an **idempotent** database call and runs it again while the database is away or a write lost a race.
 *
 * The outcome of a broken call is unknown, so the call must mean the same when it is applied twice: insert with a
 * known `_id` (and take a duplicate key as done), `$set` under a filter, read. Never `$inc` or `$push`.
 */
export async function databaseRetry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const giveUpAt = performance.now() + options.deadlineMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
    try {
      return await databaseCall(call);
    } catch (error) {
      if (!isDatabaseUnavailable(error) && !isWriteConflict(error)) throw error;
      const jittered = delay * (0.5 + Math.random());
      if (options.signal?.aborted || performance.now() + jittered > giveUpAt) throw error;
      await pause(jittered, options.signal);
    }
  }
}

/** Sleeps; an abort ends the sleep early, and the loop above then gives up with the call's own error. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
