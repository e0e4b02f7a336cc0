import type { EventBus, LiveLogEntry } from '../../integrations/event-bus/event-bus.js';
import { decodeBatches } from '../store/log-encoding.js';
import { nextPosition, type LogFence } from '../store/log-fence.js';
import type { LogBatch } from '../store/log-record.js';
import { matchesFilter, slices } from './log-lines.js';
import type { LogQuery } from './log-query.js';

/**
 * For a reader that waits for what comes next: there are many of them, and they keep what they
 * read.
 */
export const LIVE_ENTRIES_AT_ONCE = 8;
/** For a reader of all that there is: many may read at once, and an entry has up to 64 KiB. */
export const LIVE_ENTRIES_OF_PAGE = 32;
/**
 * For a reader of the newest lines: one entry may hold 500. Only when they are too few it reads
 * more at once, each time eight times as many.
 */
const NEWEST_ENTRIES = 1;
const NEWEST_GROWTH = 8;

export interface FoundBatches {
  readonly batches: LogBatch[];
  /** Everything up to here is in `batches` or was filtered out. */
  readonly lastSeq: number;
  /** Nothing was behind it on the bus. */
  readonly isEnd?: boolean;
}

/** Whether batches, newest first, are all that is wanted. */
export type IsEnough = (newest: readonly LogBatch[]) => boolean;

export interface NewestLines {
  /** What matches, newest first. */
  readonly batches: LogBatch[];
  /** Number of the line before the oldest entry; `Infinity` when there is no entry. */
  readonly before: number;
  /** Number of the last line; of the one before the attempt when there is no entry. */
  readonly lastSeq: number;
  readonly isEnough: boolean;
}

/** Lines of running executions that the bus has; without one, or while it is away, none. */
export class LiveLines {
  constructor(private readonly bus?: EventBus) {}

  /** What follows from line `seq` on without a gap, of at most `count` entries. */
  async from(
    executionId: string,
    fences: readonly LogFence[],
    seq: number,
    count: number,
  ): Promise<FoundBatches | undefined> {
    if (this.bus === undefined) return undefined;
    const entries = await this.bus.readLog(executionId, seq - 1, count).catch(() => []);
    const found = batchesOfEntries(entries, fences, seq - 1);
    const isWhole = found?.lastSeq === entries.at(-1)?.lastSeq;
    return found && { ...found, isEnd: isWhole && entries.length < count };
  }

  /**
   * Of what follows `afterSeq` without a gap and matches: the newest batches, as many as hold
   * `enough` bytes, oldest first.
   */
  async behind(query: LogQuery, afterSeq: number, enough: number): Promise<LogBatch[]> {
    const { executionId, fences } = query;
    const batches: LogBatch[] = [];
    let bytes = 0;
    for (let seq = afterSeq + 1; ;) {
      const next = await this.from(executionId, fences, seq, LIVE_ENTRIES_AT_ONCE);
      for (const batch of next?.batches ?? []) {
        if (!matchesFilter(batch, query)) continue;
        batches.push(batch);
        bytes += batch.bytes.length;
        while (bytes - (batches[0]?.bytes.length ?? 0) >= enough) {
          bytes -= batches.shift()?.bytes.length ?? 0;
        }
      }
      if (next === undefined || next.isEnd) return batches;
      seq = next.lastSeq + 1;
    }
  }

  /**
   * The newest entries of an attempt that follow each other without a gap: one, and more only
   * while they are not enough.
   */
  async newest(
    query: LogQuery,
    { fence, firstSeq }: LogFence,
    isEnough: IsEnough,
  ): Promise<NewestLines> {
    const batches: LogBatch[] = [];
    let before = Infinity;
    let lastSeq = firstSeq - 1;
    const found = () => ({ batches, before, lastSeq, isEnough: isEnough(batches) });
    for (
      let count = NEWEST_ENTRIES;
      ;
      count = Math.min(count * NEWEST_GROWTH, LIVE_ENTRIES_OF_PAGE)
    ) {
      const entries = await this.entriesUpTo(query.executionId, before, count);
      for (const entry of entries) {
        const isNext = before === Infinity || entry.lastSeq === before;
        if (entry.fence !== fence || !isNext) return found();
        lastSeq = Math.max(lastSeq, entry.lastSeq);
        before = entry.firstSeq - 1;
        const matching = decodeBatches(entry.payload).filter((one) => matchesFilter(one, query));
        batches.push(...matching.toReversed());
      }
      if (entries.length < count || isEnough(batches)) return found();
    }
  }

  private async entriesUpTo(
    executionId: string,
    seq: number,
    count: number,
  ): Promise<LiveLogEntry[]> {
    if (this.bus === undefined) return [];
    return this.bus.readNewestLog(executionId, seq, count).catch(() => []);
  }
}

/**
 * What of live entries follows `afterSeq` without a gap, by the fences; `undefined` when nothing
 * does: it is not written yet, or the entries were lost and the store will have them.
 */
export function batchesOfEntries(
  entries: readonly LiveLogEntry[],
  fences: readonly LogFence[],
  afterSeq: number,
): FoundBatches | undefined {
  const batches: LogBatch[] = [];
  let cursor = afterSeq;
  for (const entry of entries) {
    const position = nextPosition(fences, cursor);
    if (position === undefined) break;
    if (entry.lastSeq < position.seq) continue;
    if (entry.fence !== position.fence.fence || entry.firstSeq > position.seq) break;
    const end = Math.min(entry.lastSeq, position.fence.lastSeq ?? Infinity);
    batches.push(...slices(decodeBatches(entry.payload), position.seq - 1, end));
    cursor = end;
  }
  return cursor === afterSeq ? undefined : { batches, lastSeq: cursor };
}
