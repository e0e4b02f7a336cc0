/** What is done when the program ends without being asked to. */
export interface RestartRule {
  /** Starts again within the window, from 0 to 1,000; the next end makes it `failed`. */
  readonly max: number;
  /** From 1 s to 1 day, ms. Who ran so long begins with the first backoff again. */
  readonly window_ms: number;
  /** Wait before a start, ms: `first`, doubled with each, up to `most` (1 h at most). */
  readonly backoff_ms: { readonly first: number; readonly most: number };
}

/** What is remembered of earlier starts. */
export interface RestartHistory {
  /** Starts again since it last ran for the whole window. */
  readonly failures: number;
  /** When it was started again, within the window; ms since 1970. */
  readonly moments: readonly number[];
  readonly total: number;
}

export const NO_RESTARTS: RestartHistory = { failures: 0, moments: [], total: 0 };

export type AfterEnd =
  | { readonly kind: 'restart'; readonly inMs: number; readonly history: RestartHistory }
  | { readonly kind: 'failed' };

/** What becomes of a program that ended by itself at `now` (ms since 1970), after `ranMs`. */
export function afterEnd(
  { max, window_ms: windowMs, backoff_ms: backoff }: RestartRule,
  history: RestartHistory,
  { ranMs, now }: { readonly ranMs: number; readonly now: number },
): AfterEnd {
  // A clock that was put back must not fill the window for ever.
  const moments = history.moments.filter((at) => at <= now && now - at < windowMs);
  if (moments.length >= max) return { kind: 'failed' };
  const failures = ranMs >= windowMs ? 0 : history.failures;
  return {
    kind: 'restart',
    inMs: Math.min(backoff.first * 2 ** failures, backoff.most),
    history: { failures: failures + 1, moments: [...moments, now], total: history.total + 1 },
  };
}
