import type { LogChunk } from './log-chunk-store.js';

/**
 * The part of an execution's log that one execution attempt wrote. The execution lists one for each
 * attempt, oldest first; readers take nothing else, so what a superseded attempt stores too late is
 * not read.
 */
export interface LogFence {
  readonly fence: number;
  readonly firstSeq: number;
  /** Inclusive, `firstSeq - 1` when there is no line; absent while the attempt may still write. */
  readonly lastSeq?: number;
  /** The last lines, where they are kept with the execution and not in the store. */
  readonly lastChunk?: LogChunk;
}

/**
 * Numbers left out behind an attempt whose end is unknown: live readers may have seen lines of it
 * that were never stored. There can be no more of these than `unstoredBytes` and the pipes hold,
 * each at least one byte.
 */
export const RESERVED_SEQS = 10_000_000;

export interface LogPosition {
  readonly fence: LogFence;
  readonly seq: number;
}

/**
 * Where the line behind `afterSeq` is to be found; `undefined` when all listed attempts are read to
 * their end.
 */
export function nextPosition(
  fences: readonly LogFence[],
  afterSeq: number,
): LogPosition | undefined {
  for (const fence of fences) {
    const seq = Math.max(afterSeq + 1, fence.firstSeq);
    if (fence.lastSeq === undefined || seq <= fence.lastSeq) return { fence, seq };
  }
  return undefined;
}

/** The last number that is known to exist over all attempts; 0 for none. */
export function knownLastSeq(fences: readonly LogFence[]): number {
  const last = fences.at(-1);
  return last === undefined ? 0 : (last.lastSeq ?? last.firstSeq - 1);
}
