import { within } from '../../common/async/within.js';
import { isDatabaseUnavailable, isPoolExhausted } from './database-errors.js';
import { currentPatience } from './database-patience.js';

/**
 * A call that does not settle so long after it was given up keeps its place in the pool for ever.
 */
const SETTLE_MS = 1_000;
/** A database that gave an answer so lately is not away: it has too much to do. */
const LATELY_MS = 2_000;

/**
 * Gives every call of one client a deadline of ours, and remembers what that says about the client.
 *
 * The driver (7.8) waits without end when it writes to a socket that was destroyed and whose
 * `close` was not emitted yet: `drain` never comes, and the socket's own time limit went with the
 * socket. An abort ends that wait and closes the connection, so that its place in the pool is free
 * again; who waits for the call gets an answer in any case.
 */
export class CallWatch {
  private answeredAt = -Infinity;
  private failingSince: number | undefined;
  private lost = 0;

  /** Calls that were given up, aborted, and still did not settle. */
  get unsettled(): number {
    return this.lost;
  }

  /** For how long calls have failed without an answer in between, milliseconds. */
  get failingMs(): number {
    return this.failingSince === undefined ? 0 : performance.now() - this.failingSince;
  }

  answeredSince(time: number): boolean {
    return this.answeredAt > time;
  }

  /**
   * @param limitMs instead of the patience of who calls
   * @throws what the call throws, or an error for which `isDatabaseUnavailable` holds; the call may
   *   still take effect
   */
  async run<T>(
    call: (abort: AbortController) => Promise<T>,
    limitMs?: number,
    abort = new AbortController(),
  ): Promise<T> {
    const patience = currentPatience();
    const startedAt = performance.now();
    const ms = limitMs ?? patience.remainingMs();
    try {
      const work = call(abort);
      const result = await within(ms, work, () => {
        const error = this.isBusy() ? busy() : noAnswer(ms);
        this.giveUp(work, abort, error);
        throw error;
      });
      this.answered();
      patience.answered();
      return result;
    } catch (error) {
      if (isDatabaseUnavailable(error)) {
        this.failingSince ??= startedAt;
        patience.failed(startedAt);
        if (isPoolExhausted(error) && this.isBusy()) throw busy(error);
      } else {
        this.answered();
        patience.answered();
      }
      throw error;
    }
  }

  private answered(): void {
    this.answeredAt = performance.now();
    this.failingSince = undefined;
  }

  private isBusy(): boolean {
    return this.answeredSince(performance.now() - LATELY_MS);
  }

  private giveUp(work: Promise<unknown>, abort: AbortController, error: Error): void {
    let settled = false;
    const settle = (): void => {
      if (settled) this.lost -= 1;
      settled = true;
    };
    abort.abort(error);
    setTimeout(() => {
      if (settled) return;
      settled = true;
      this.lost += 1;
    }, SETTLE_MS).unref();
    work.then(settle, settle);
  }
}

/** Of a call that nobody waits for any longer. */
export function noAnswer(ms: number): Error {
  const error = new Error(`the database did not answer within ${Math.round(ms)} ms`);
  return Object.assign(error, { name: 'DatabaseCallTimeoutError' });
}

/** Of a call that a database that answers others had no time for. */
export function busy(cause?: unknown): Error {
  const error = new Error('the database has more to do than it can', { cause });
  return Object.assign(error, { name: 'DatabaseBusyError' });
}
