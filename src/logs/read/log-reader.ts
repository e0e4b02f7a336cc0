import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { EventBus, LiveLogEntry } from '../../integrations/event-bus/event-bus.js';
import type { LogChunk, LogChunkStore } from '../store/log-chunk-store.js';
import { decodeBatches } from '../store/log-encoding.js';
import { nextPosition, type LogFence, type LogPosition } from '../store/log-fence.js';
import type { LogBatch, LogLine } from '../store/log-record.js';
import { ChunkPages } from './chunk-pages.js';
import {
  lastSeqOf,
  linesOf,
  matchesFilter,
  PlainText,
  sliceBatch,
  type LogFilter,
} from './log-lines.js';

const decompress = promisify(gunzip);
/** A chunk holds half a megabyte; one that claims to be larger than this is not ours. */
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;
/**
 * For a reader that waits for what comes next: there are many of them, and they keep what they
 * read.
 */
const LIVE_ENTRIES_AT_ONCE = 8;
/** For a reader of all that there is: many may read at once, and an entry has up to 64 KiB. */
const LIVE_ENTRIES_OF_PAGE = 32;
/**
 * A tail looks no further back, however few lines there are: a line without an end may be the whole
 * log.
 */
const TAIL_BYTES = 256 * 1024;

export interface LogQuery extends LogFilter {
  readonly executionId: string;
  /** As the execution lists them, oldest first. */
  readonly fences: readonly LogFence[];
  /** Lines behind this number; 0 for all. */
  readonly afterSeq: number;
  /** At most so many lines; absent: all. */
  readonly limit?: number;
}

/**
 * Reads logs. Holds a few chunks at a time, whatever the log's size. Rejects when the store is
 * away.
 */
export class LogReader {
  /**
   * `bus`: where lines of a running execution are that are not stored yet; without it they are not
   * read.
   */
  constructor(
    private readonly store: LogChunkStore,
    private readonly bus?: EventBus,
  ) {}

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
    const found: LogBatch[] = [];
    let lines = 0;
    let bytes = 0;
    for await (const batch of this.readBackwards(query, TAIL_BYTES)) {
      if (!matchesFilter(batch, query)) continue;
      found.unshift(batch);
      bytes += batch.bytes.length;
      // A piece that continues may be no line of its own.
      lines += batch.continues ? batch.count - 1 : batch.count;
      if (lines > count || bytes >= TAIL_BYTES) break;
    }
    const plain = new PlainText();
    const text = found.map((batch) => plain.next(batch)).join('');
    return text === '' ? [] : text.replace(/\n$/, '').split('\n').slice(-count);
  }

  /** The last `count` batches that there are now, newest first. */
  async newestBatches(query: LogQuery, count: number): Promise<LogBatch[]> {
    const found: LogBatch[] = [];
    for await (const batch of this.readBackwards(query)) {
      if (found.length >= count) break;
      if (matchesFilter(batch, query)) found.push(batch);
    }
    return found;
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
    return this.liveFrom(executionId, fences, seq, count);
  }

  private async liveFrom(
    executionId: string,
    fences: readonly LogFence[],
    seq: number,
    count: number,
  ): Promise<FoundBatches | undefined> {
    if (this.bus === undefined) return undefined;
    const entries = await this.bus
      .readLog(executionId, seq - 1, count)
      // Without the bus the answer ends with what is stored.
      .catch(() => []);
    const found = batchesOfEntries(entries, fences, seq - 1);
    const isWhole = found?.lastSeq === entries.at(-1)?.lastSeq;
    return found && { ...found, isEnd: isWhole && entries.length < count };
  }

  /** @param enough bytes of what matches, behind which nobody reads on */
  private async *readBackwards(query: LogQuery, enough = Infinity): AsyncGenerator<LogBatch> {
    const { executionId } = query;
    for (const fence of query.fences.toReversed()) {
      let seq = fence.lastSeq;
      if (seq === undefined) {
        seq = (await this.store.lastSeq(executionId, fence.fence)) ?? fence.firstSeq - 1;
        yield* (await this.newestLive(query, seq, enough)).toReversed();
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

  /** Of what is not stored yet and matches: the newest batches, as many as hold `enough` bytes. */
  private async newestLive(query: LogQuery, afterSeq: number, enough: number): Promise<LogBatch[]> {
    const { executionId, fences } = query;
    const batches: LogBatch[] = [];
    let bytes = 0;
    for (let seq = afterSeq + 1; ;) {
      const next = await this.liveFrom(executionId, fences, seq, LIVE_ENTRIES_AT_ONCE);
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
}

export interface FoundBatches {
  readonly batches: LogBatch[];
  /** Everything up to here is in `batches` or was filtered out. */
  readonly lastSeq: number;
  /** Nothing was behind it on the bus. */
  readonly isEnd?: boolean;
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

async function unpack(chunk: LogChunk): Promise<LogBatch[]> {
  return decodeBatches(await decompress(chunk.data, { maxOutputLength: MAX_CHUNK_BYTES }));
}

function slices(batches: readonly LogBatch[], afterSeq: number, lastSeq: number): LogBatch[] {
  return batches
    .filter((batch) => lastSeqOf(batch) > afterSeq)
    .map((batch) => sliceBatch(batch, afterSeq, lastSeq))
    .filter((batch) => batch !== undefined);
}
