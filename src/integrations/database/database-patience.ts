import { AsyncLocalStorage } from 'node:async_hooks';

/** How long the work that is under way waits for the database. */
export interface Patience {
  /** What the next call may take, milliseconds. */
  remainingMs(): number;
  /** For how long calls may be tried again, milliseconds. */
  retryMs(): number;
  answered(): void;
  /** A call that began at `startedAt` (performance.now) had no answer. */
  failed(startedAt: number): void;
}

/** Of a call of background work, which is not asked for by anybody who waits. */
export const BACKGROUND_CALL_MS = 15_000;
/**
 * Of all calls of one request together, from the first one without an answer: a 503 is answered
 * within 5 s.
 */
export const REQUEST_MS = 3_500;
/** Calls behind the one that failed, such as those that note the failure, get this at least. */
const AFTER_FAILURE_MS = 250;

const background: Patience = {
  remainingMs: () => BACKGROUND_CALL_MS,
  retryMs: () => Infinity,
  answered: () => undefined,
  failed: () => undefined,
};

/** One budget for all calls in a row that have no answer; each answer fills it again. */
class RequestPatience implements Patience {
  private troubledSince: number | undefined;

  constructor(private readonly ms: number) {}

  remainingMs(): number {
    if (this.troubledSince === undefined) return this.ms;
    const left = this.troubledSince + this.ms - performance.now();
    return Math.max(AFTER_FAILURE_MS, left);
  }

  retryMs(): number {
    return this.remainingMs();
  }

  answered(): void {
    this.troubledSince = undefined;
  }

  failed(startedAt: number): void {
    this.troubledSince ??= startedAt;
  }
}

const current = new AsyncLocalStorage<Patience>();

/**
 * Runs `work`, and all that it begins, with the patience of a request: somebody waits for its
 * answer.
 */
export function withRequestPatience<T>(work: () => T, ms: number = REQUEST_MS): T {
  return current.run(new RequestPatience(ms), work);
}

/** The patience of the work that calls this. */
export function currentPatience(): Patience {
  return current.getStore() ?? background;
}
