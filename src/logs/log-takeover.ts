import type { LogChunkStore } from './log-chunk-store.js';
import { knownLastSeq, reservedSeqs, type LogFence } from './log-fence.js';

export interface LogTakeover {
  /** To be stored on the execution in place of what was given, before the first line is written or `finished` is told. */
  readonly fences: readonly LogFence[];
  /** True: an attempt ended without closing its log; lines of it may be missing. */
  readonly lost: boolean;
}

/** Closes the log of an attempt that is gone, at what it has stored: what comes later from it is not read. Idempotent. */
export async function closeLostLog(
  store: LogChunkStore,
  executionId: string,
  fences: readonly LogFence[],
): Promise<LogTakeover> {
  const last = fences.at(-1);
  if (last === undefined || last.lastSeq !== undefined) return { fences, lost: false };
  const lastSeq = (await store.lastSeq(executionId, last.fence)) ?? last.firstSeq - 1;
  return { fences: [...fences.slice(0, -1), { ...last, lastSeq }], lost: true };
}

/**
 * Fences for a new attempt of number `fence`: goes on with the next number when the attempt before closed its log, and
 * behind a reserved block when it did not. A `lost` log begins with `lostMarker` (`log-writer.ts`).
 */
export async function takeOverLog(
  store: LogChunkStore,
  executionId: string,
  fences: readonly LogFence[],
  fence: number,
): Promise<LogTakeover> {
  const closed = await closeLostLog(store, executionId, fences);
  const firstSeq = knownLastSeq(closed.fences) + 1 + (closed.lost ? reservedSeqs : 0);
  return { fences: [...closed.fences, { fence, firstSeq }], lost: closed.lost };
}
