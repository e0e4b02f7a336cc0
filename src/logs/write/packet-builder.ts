import { GrowingMemory } from '../../common/values/growing-memory.js';
import type { LogAddress } from '../store/log-chunk-store.js';
import { encodeHeader } from '../store/log-encoding.js';
import type { LogStream } from '../store/log-record.js';
import { addressKey, type EncodedBatch, type Packet } from './chunk-queue.js';
import type { LogLimits } from './log-limits.js';

/** One stream of one try of one step. */
export interface LogSourceName extends LogAddress {
  readonly stream: LogStream;
}

interface OpenBatch {
  readonly source: LogSourceName;
  readonly ts: number;
  /** Its lines so far. */
  readonly memory: GrowingMemory;
  count: number;
}

const NOTHING = Buffer.alloc(0);

/** Lines that were numbered, for who keeps their ends. */
export interface NumberedLines {
  readonly source: LogSourceName;
  readonly bytes: Buffer;
  readonly continues: boolean;
}

/**
 * Numbers lines in the order in which they come, and builds packets of them. Lines of one source
 * that follow each other become one batch; another source's lines begin the next. No object is made
 * for a line.
 */
export class PacketBuilder {
  private batch: OpenBatch | undefined;
  private sealed: EncodedBatch[] = [];
  private addresses = new Map<string, LogAddress>();
  /** Headers included. */
  private sealedBytes = 0;
  private packetFirstSeq: number;
  private nextSeq: number;

  constructor(
    firstSeq: number,
    private readonly limits: Pick<LogLimits, 'batchBytes' | 'batchLines'>,
    private readonly now: () => number,
    private readonly onSealed: (lines: NumberedLines) => void,
  ) {
    this.packetFirstSeq = firstSeq;
    this.nextSeq = firstSeq;
  }

  /** Number of the last line taken. */
  get lastSeq(): number {
    return this.nextSeq - 1 + (this.batch?.count ?? 0);
  }

  get byteLength(): number {
    return this.sealedBytes + (this.batch?.memory.length ?? 0);
  }

  /** Copies the pieces. `continues`: the last of the lines does; the batch ends with it. */
  add(
    source: LogSourceName,
    pieces: readonly Buffer[],
    bytes: number,
    count: number,
    continues = false,
  ): void {
    if (this.batch !== undefined && this.batch.source !== source) this.seal();
    this.batch ??= { source, ts: this.now(), memory: new GrowingMemory(NOTHING), count: 0 };
    const { memory } = this.batch;
    memory.makeRoom(bytes);
    for (const piece of pieces) memory.append(piece);
    this.batch.count += count;
    const { batchBytes, batchLines } = this.limits;
    const isFull = memory.length >= batchBytes || this.batch.count >= batchLines;
    if (continues || isFull) this.seal(continues);
  }

  /** Ends the open batch, so that what was taken so far is shown to `onSealed`. */
  seal(continues = false): void {
    const batch = this.batch;
    if (batch === undefined) return;
    this.batch = undefined;
    const { source, ts, count } = batch;
    const bytes = batch.memory.bytes.subarray(0, batch.memory.length);
    const firstSeq = this.nextSeq;
    const header = encodeHeader({ ...source, firstSeq, count, ts, continues }, bytes.length);
    const byteLength = header.length + bytes.length;
    this.nextSeq += count;
    this.sealed.push({
      firstSeq,
      lastSeq: this.nextSeq - 1,
      pieces: [header, bytes],
      byteLength,
    });
    this.addresses.set(addressKey(source), source);
    this.sealedBytes += byteLength;
    this.onSealed({ source, bytes, continues });
  }

  /** Everything since the last packet; `undefined` when there is nothing. */
  take(): Packet | undefined {
    this.seal();
    if (this.sealed.length === 0) return undefined;
    const packet = {
      firstSeq: this.packetFirstSeq,
      lastSeq: this.nextSeq - 1,
      batches: this.sealed,
      byteLength: this.sealedBytes,
      addresses: [...this.addresses.values()],
    };
    this.sealed = [];
    this.addresses = new Map();
    this.sealedBytes = 0;
    this.packetFirstSeq = this.nextSeq;
    return packet;
  }
}
