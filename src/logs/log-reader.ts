import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { EventBus, LiveLogEntry } from '../integrations/event-bus/event-bus.js';
import type { LogChunk, LogChunkStore } from './log-chunk-store.js';
import { decodeBatches } from './log-encoding.js';
import { nextPosition, type LogFence, type LogPosition } from './log-fence.js';
import {
  lastSeqOf,
  linesOf,
  matchesFilter,
  PlainText,
  sliceBatch,
  type LogFilter,
} from './log-lines.js';
import type { LogBatch, LogLine } from './log-record.js';

const decompress = promisify(gunzip);
/** A chunk holds half a megabyte; one that claims to be larger than this is not ours. */
const maxChunkBytes = 64 * 1024 * 1024;
const liveEntriesAtOnce = 8;

export interface LogQuery extends LogFilter {
  readonly executionId: string;
  /** As the execution lists them, oldest first. */
  readonly fences: readonly LogFence[];
  /** Lines behind this number; 0 for all. */
  readonly afterSeq: number;
  /** At most so many lines; absent: all. */
  readonly limit?: number;
}

/** Reads logs. Holds one chunk at a time, whatever the log's size. Rejects when the store is away. */
export class LogReader {
  /** `bus`: where lines of a running execution are that are not stored yet; without it they are not read. */
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

  /** The last `count` lines, oldest first, as text. */
  async tail(query: LogQuery, count: number): Promise<string[]> {
    if (count <= 0) return [];
    const found: LogBatch[] = [];
    let lines = 0;
    for await (const batch of this.readBackwards(query)) {
      if (!matchesFilter(batch, query)) continue;
      found.unshift(batch);
      // A piece that goes on may be no line of its own.
      lines += batch.continues ? batch.count - 1 : batch.count;
      if (lines > count) break;
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
   * What comes from `position` on, as far as one chunk or a few live entries hold it; `undefined` when it is not there
   * yet. In an attempt that is closed every line is there, or its log was removed: then the rest of it is skipped.
   */
  async from(
    query: Pick<LogQuery, 'executionId' | 'fences'> & LogFilter,
    { fence, seq }: LogPosition,
  ): Promise<FoundBatches | undefined> {
    const stored = await this.storedFrom(query, fence, seq);
    if (stored !== undefined) return stored;
    if (fence.lastSeq !== undefined) return { batches: [], lastSeq: fence.lastSeq };
    return this.liveFrom(query.executionId, query.fences, seq);
  }

  /** Batches by chunk or live entry, all sources, from `afterSeq` to what is the end at that moment. */
  private async *readOn(query: LogQuery): AsyncGenerator<LogBatch[]> {
    let position = nextPosition(query.fences, query.afterSeq);
    while (position !== undefined) {
      const found = await this.from(query, position);
      if (found === undefined) return;
      yield found.batches;
      position = nextPosition(query.fences, found.lastSeq);
    }
  }

  private async storedFrom(
    query: Pick<LogQuery, 'executionId'> & LogFilter,
    fence: LogFence,
    seq: number,
  ): Promise<FoundBatches | undefined> {
    const chunk = await this.chunkWith(query.executionId, fence, seq);
    if (chunk === undefined) return undefined;
    const lastSeq = Math.min(chunk.lastSeq, fence.lastSeq ?? Infinity);
    const isWanted = chunk.sources.some((source) => matchesFilter(source, query));
    return { batches: isWanted ? slices(await unpack(chunk), seq - 1, lastSeq) : [], lastSeq };
  }

  private async chunkWith(
    executionId: string,
    { fence, lastChunk }: LogFence,
    seq: number,
  ): Promise<LogChunk | undefined> {
    if (lastChunk && lastChunk.firstSeq <= seq && seq <= lastChunk.lastSeq) return lastChunk;
    return this.store.find(executionId, fence, seq);
  }

  private async liveFrom(
    executionId: string,
    fences: readonly LogFence[],
    seq: number,
  ): Promise<FoundBatches | undefined> {
    if (this.bus === undefined) return undefined;
    const entries = await this.bus
      .readLog(executionId, seq - 1, liveEntriesAtOnce)
      // Without the bus the answer ends with what is stored.
      .catch(() => []);
    return batchesOfEntries(entries, fences, seq - 1);
  }

  private async *readBackwards(query: LogQuery): AsyncGenerator<LogBatch> {
    for (const fence of query.fences.toReversed()) {
      let seq = fence.lastSeq;
      if (seq === undefined) {
        seq = (await this.store.lastSeq(query.executionId, fence.fence)) ?? fence.firstSeq - 1;
        yield* (await this.allLive(query, seq)).toReversed();
      }
      while (seq >= fence.firstSeq) {
        const chunk = await this.chunkWith(query.executionId, fence, seq);
        if (chunk === undefined) break;
        yield* slices(await unpack(chunk), 0, seq).toReversed();
        seq = chunk.firstSeq - 1;
      }
    }
  }

  /** What is not stored yet; bounded, since the writer waits when too much is not stored. */
  private async allLive(query: LogQuery, afterSeq: number): Promise<LogBatch[]> {
    const batches: LogBatch[] = [];
    let next = await this.liveFrom(query.executionId, query.fences, afterSeq + 1);
    while (next !== undefined) {
      batches.push(...next.batches);
      next = await this.liveFrom(query.executionId, query.fences, next.lastSeq + 1);
    }
    return batches;
  }
}

export interface FoundBatches {
  readonly batches: LogBatch[];
  /** Everything up to here is in `batches` or was filtered out. */
  readonly lastSeq: number;
}

/**
 * What of live entries follows `afterSeq` without a gap, by the fences; `undefined` when nothing does: it is not
 * written yet, or the entries were lost and the store will have them.
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

async function unpack(chunk: LogChunk): Promise<LogBatch[]> {
  return decodeBatches(await decompress(chunk.data, { maxOutputLength: maxChunkBytes }));
}

function slices(batches: readonly LogBatch[], afterSeq: number, lastSeq: number): LogBatch[] {
  return batches
    .filter((batch) => lastSeqOf(batch) > afterSeq)
    .map((batch) => sliceBatch(batch, afterSeq, lastSeq))
    .filter((batch) => batch !== undefined);
}
