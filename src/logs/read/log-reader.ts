import type { EventBus } from '../../integrations/event-bus/event-bus.js';
import type { LogChunk, LogChunkStore } from '../store/log-chunk-store.js';
import { decompress } from '../store/log-compression.js';
import { decodeBatches } from '../store/log-encoding.js';
import { nextPosition, type LogFence, type LogPosition } from '../store/log-fence.js';
import type { LogBatch, LogLine } from '../store/log-record.js';
import { ChunkPages } from './chunk-pages.js';
import {
  type FoundBatches,
  type IsEnough,
  LIVE_ENTRIES_AT_ONCE,
  LIVE_ENTRIES_OF_PAGE,
  LiveLines,
} from './live-lines.js';
import {
  linesOf,
  matchesFilter,
  PlainText,
  sliceBatch,
  slices,
  type LogFilter,
} from './log-lines.js';
import type { LogQuery } from './log-query.js';

/**
 * A tail looks no further back, however few lines there are: a line without an end may be the whole
 * log.
 */
const TAIL_BYTES = 256 * 1024;

/**
 * Reads logs. Holds a few chunks at a time, whatever the log's size. Rejects when the store is
 * away.
 */
export class LogReader {
  private readonly live: LiveLines;

  /**
   * `bus`: where lines of a running execution are that are not stored yet; without it they are not
   * read.
   */
  constructor(
    private readonly store: LogChunkStore,
    bus?: EventBus,
  ) {
    this.live = new LiveLines(bus);
  }

  /** Everything that exists now, in order, and then ends; it does not wait for more. */
  async *readBatches(query: LogQuery): AsyncGenerator<LogBatch> {
    let left = query.limit ?? Infinity;
    for await (const batches of this.readOn(query)) {
      for (const batch of batches) {
        if (left <= 0) return;
        if (!matchesFilter(batch, query)) continue;
        const wanted = sliceBatch(batch, 0, batch.firstSeq + left - 1);
        if (wanted === undefined) return;
        left -= wanted.count;
        yield wanted;
      }
    }
  }

  async *readLines(query: LogQuery): AsyncGenerator<LogLine> {
    for await (const batch of this.readBatches(query)) yield* linesOf(batch);
  }

  /** The text as it was printed, see `PlainText`. */
  async *readPlain(query: LogQuery): AsyncGenerator<string> {
    const plain = new PlainText();
    for await (const batch of this.readBatches(query)) yield plain.next(batch);
    yield plain.end();
  }

  /**
   * The last `count` lines, oldest first, as text: of what fits into the last 256 KiB or a little
   * more. So of a longer line only its end is there, and lines before it are left out.
   */
  async tail(query: LogQuery, count: number): Promise<string[]> {
    if (count <= 0) return [];
    const isEnough = (newest: readonly LogBatch[]): boolean => {
      // A piece that continues may be no line of its own.
      const lines = newest.reduce((sum, one) => sum + one.count - (one.continues ? 1 : 0), 0);
      return lines > count || sizeOf(newest) >= TAIL_BYTES;
    };
    const found = await this.newest(query, isEnough, TAIL_BYTES);
    const plain = new PlainText();
    const text = found
      .toReversed()
      .map((batch) => plain.next(batch))
      .join('');
    return text === '' ? [] : text.replace(/\n$/, '').split('\n').slice(-count);
  }

  /** The last `count` batches that there are now, newest first. */
  async newestBatches(query: LogQuery, count: number): Promise<LogBatch[]> {
    const found = await this.newest(query, (newest) => newest.length >= count, Infinity);
    return found.slice(0, count);
  }

  /**
   * What comes from `position` on, as far as one chunk or a few live entries hold it; `undefined`
   * when it is not there yet. In an attempt that is closed every line is there, or its log was
   * removed: then the rest of it is skipped.
   */
  async from(
    query: Pick<LogQuery, 'executionId' | 'fences'> & LogFilter,
    { fence, seq }: LogPosition,
  ): Promise<FoundBatches | undefined> {
    const chunk =
      lastChunkWith(fence, seq) ?? (await this.store.find(query.executionId, fence.fence, seq));
    if (chunk) return foundIn(chunk, fence, seq, query);
    return this.notStored(query, fence, seq, LIVE_ENTRIES_AT_ONCE);
  }

  /**
   * Batches by chunk or live entries, all sources, from `afterSeq` to what is the end at that
   * moment.
   */
  private async *readOn(query: LogQuery): AsyncGenerator<LogBatch[]> {
    const { executionId, fences } = query;
    const pages = new ChunkPages(this.store, executionId);
    let position = nextPosition(fences, query.afterSeq);
    while (position !== undefined) {
      const { fence, seq } = position;
      const chunk = lastChunkWith(fence, seq) ?? (await pages.with(fence, seq));
      const found: FoundBatches | undefined = chunk
        ? await foundIn(chunk, fence, seq, query)
        : ((await this.notStored(query, fence, seq, LIVE_ENTRIES_OF_PAGE)) ??
          // It may have moved from the bus to the store between the two looks.
          (await this.from(query, position)));
      if (found === undefined) return;
      yield found.batches;
      if (found.isEnd) return;
      position = nextPosition(fences, found.lastSeq);
    }
  }

  private async notStored(
    { executionId, fences }: Pick<LogQuery, 'executionId' | 'fences'>,
    fence: LogFence,
    seq: number,
    count: number,
  ): Promise<FoundBatches | undefined> {
    if (fence.lastSeq !== undefined) return { batches: [], lastSeq: fence.lastSeq };
    return this.live.from(executionId, fences, seq, count);
  }

  /** What matches, newest first, until it is enough; at least `enoughBytes` are. */
  private async newest(
    query: LogQuery,
    isEnough: IsEnough,
    enoughBytes: number,
  ): Promise<LogBatch[]> {
    const found: LogBatch[] = [];
    for await (const batch of this.readBackwards(query, isEnough, enoughBytes)) {
      if (!matchesFilter(batch, query)) continue;
      found.push(batch);
      if (isEnough(found)) break;
    }
    return found;
  }

  private async *readBackwards(
    query: LogQuery,
    isEnough: IsEnough,
    enoughBytes: number,
  ): AsyncGenerator<LogBatch> {
    const { executionId } = query;
    for (const fence of query.fences.toReversed()) {
      let seq = fence.lastSeq;
      if (seq === undefined) {
        const live = await this.newestOfOpen(query, fence, isEnough, enoughBytes);
        yield* live.batches;
        seq = live.before;
      }
      const pages = new ChunkPages(this.store, executionId);
      while (seq >= fence.firstSeq) {
        const chunk: LogChunk | undefined =
          lastChunkWith(fence, seq) ?? (await pages.endingWith(fence, seq));
        if (chunk === undefined) break;
        yield* slices(await unpack(chunk), 0, seq).toReversed();
        seq = chunk.firstSeq - 1;
      }
    }
  }

  /**
   * The newest of an attempt that may still write, as far as the bus has it, and the number before
   * it, from which on the store has the rest.
   */
  private async newestOfOpen(
    query: LogQuery,
    fence: LogFence,
    isEnough: IsEnough,
    enoughBytes: number,
  ): Promise<{ batches: LogBatch[]; before: number }> {
    // First the bus: what it lacks of the lines of that moment is stored when the store is asked.
    const newest = await this.live.newest(query, fence, isEnough);
    const stored = (await this.store.lastSeq(query.executionId, fence.fence)) ?? fence.firstSeq - 1;
    const { before, lastSeq } = newest;
    // The rest of the lines behind it is a flood's, and only in the store.
    if (lastSeq < stored) return { batches: [], before: stored };
    if (newest.isEnough || before <= stored) return newest;
    // Entries were lost. What there is in order is found from the other end.
    const batches = await this.live.behind(query, stored, enoughBytes);
    return { batches: batches.toReversed(), before: stored };
  }
}

/** The end of a log may be with the execution itself. */
function lastChunkWith({ lastChunk }: LogFence, seq: number): LogChunk | undefined {
  return lastChunk && lastChunk.firstSeq <= seq && seq <= lastChunk.lastSeq ? lastChunk : undefined;
}

async function foundIn(
  chunk: LogChunk,
  fence: LogFence,
  seq: number,
  filter: LogFilter,
): Promise<FoundBatches> {
  const lastSeq = Math.min(chunk.lastSeq, fence.lastSeq ?? Infinity);
  const isWanted = chunk.sources.some((source) => matchesFilter(source, filter));
  return { batches: isWanted ? slices(await unpack(chunk), seq - 1, lastSeq) : [], lastSeq };
}

function sizeOf(batches: readonly LogBatch[]): number {
  return batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

async function unpack(chunk: LogChunk): Promise<LogBatch[]> {
  return decodeBatches(await decompress(chunk.data, chunk.rawBytes));
}
