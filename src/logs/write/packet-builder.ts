import type { LogAddress } from '../store/log-chunk-store.js';
import { encodeHeader } from '../store/log-encoding.js';
import type { LogStream } from '../store/log-record.js';
import { addressKey, type Packet } from './chunk-queue.js';

/** One stream of one try of one step. */
export interface LogSourceName extends LogAddress {
  readonly stream: LogStream;
}

interface OpenBatch {
  readonly source: LogSourceName;
  readonly ts: number;
  readonly pieces: Buffer[];
  bytes: number;
  count: number;
}

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
  private parts: Buffer[] = [];
  private addresses = new Map<string, LogAddress>();
  private sealedBytes = 0;
  private sealedCount = 0;
  private packetFirstSeq: number;
  private nextSeq: number;

  constructor(
    firstSeq: number,
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

  get lineCount(): number {
    return this.sealedCount + (this.batch?.count ?? 0);
  }

  get byteLength(): number {
    return this.sealedBytes + (this.batch?.bytes ?? 0);
  }

  add(source: LogSourceName, pieces: readonly Buffer[], bytes: number, count: number): void {
    if (this.batch !== undefined && this.batch.source !== source) this.seal(false);
    this.batch ??= { source, ts: this.now(), pieces: [], bytes: 0, count: 0 };
    for (const piece of pieces) this.batch.pieces.push(piece);
    this.batch.bytes += bytes;
    this.batch.count += count;
  }

  /** Ends the open batch; `continues`: its last line continues. */
  seal(continues: boolean): void {
    const batch = this.batch;
    if (batch === undefined) return;
    this.batch = undefined;
    const { source, ts, count } = batch;
    const bytes = Buffer.concat(batch.pieces, batch.bytes);
    this.parts.push(
      encodeHeader({ ...source, firstSeq: this.nextSeq, count, ts, continues }, bytes.length),
      bytes,
    );
    this.addresses.set(addressKey(source), source);
    this.nextSeq += count;
    this.sealedCount += count;
    this.sealedBytes += bytes.length;
    this.onSealed({ source, bytes, continues });
  }

  /** Everything since the last packet; `undefined` when there is nothing. */
  take(): Packet | undefined {
    this.seal(false);
    if (this.parts.length === 0) return undefined;
    const packet = {
      firstSeq: this.packetFirstSeq,
      lastSeq: this.nextSeq - 1,
      bytes: Buffer.concat(this.parts),
      addresses: [...this.addresses.values()],
    };
    this.parts = [];
    this.addresses = new Map();
    this.sealedBytes = 0;
    this.sealedCount = 0;
    this.packetFirstSeq = this.nextSeq;
    return packet;
  }
}
