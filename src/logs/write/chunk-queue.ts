import type { Clock } from '../../engine/runtime/run-ports.js';
import type { LogAddress, LogChunk, LogChunkStore } from '../store/log-chunk-store.js';
import { compress, compressSync } from '../store/log-compression.js';
import type { LogLimits } from './log-limits.js';

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** Consecutive batches: what one flush of the writer hands on. */
export interface Packet {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** At least one. */
  readonly batches: readonly EncodedBatch[];
  /** Of all batches. */
  readonly byteLength: number;
  readonly addresses: readonly LogAddress[];
}

/** A batch as it is stored and sent (`log-encoding.ts`), in pieces that nobody has joined yet. */
export interface EncodedBatch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
}

interface OpenChunk {
  readonly firstSeq: number;
  lastSeq: number;
  readonly parts: Buffer[];
  rawBytes: number;
  readonly addresses: Map<string, LogAddress>;
}

interface ClosedChunk {
  readonly chunk: Omit<LogChunk, 'data'>;
  readonly data: Promise<Buffer>;
}

/**
 * Gathers packets to chunks and stores these one after the other, in order, each until the store
 * has it. Packets of many steps share a chunk. Memory is bounded by the callers, who respect
 * `room`.
 */
export class ChunkQueue {
  private open: OpenChunk | undefined;
  private readonly closed: ClosedChunk[] = [];
  private waiting: (() => void)[] = [];
  private cancelAge: (() => void) | undefined;
  private unstored = 0;
  private stored: number;
  private storing = false;
  /** Memory in which a chunk was joined, for the next one: a flood asks for none. */
  private spare: Buffer | undefined;
  private abandoned = false;

  constructor(
    private readonly owner: { readonly executionId: string; readonly fence: number },
    firstSeq: number,
    private readonly store: LogChunkStore,
    private readonly clock: Clock,
    private readonly limits: LogLimits,
    private readonly onProblem: (error: unknown, attempt: number) => void,
    /** Called each time when more is in the store. */
    private readonly onStored: (storedSeq: number) => void,
  ) {
    this.stored = firstSeq - 1;
  }

  /** Everything up to this number is in the store. */
  get storedSeq(): number {
    return this.stored;
  }

  add(packet: Packet): void {
    if (this.abandoned) return;
    this.open ??= this.begin(packet.firstSeq);
    const chunk = this.open;
    for (const { pieces } of packet.batches) chunk.parts.push(...pieces);
    chunk.lastSeq = packet.lastSeq;
    chunk.rawBytes += packet.byteLength;
    this.unstored += packet.byteLength;
    for (const address of packet.addresses) chunk.addresses.set(addressKey(address), address);
    if (chunk.rawBytes >= this.limits.chunkBytes) this.closeOpen();
  }

  /** `true`, or what resolves when less waits to be stored (or all was abandoned). */
  room(): true | Promise<void> {
    if (!this.full) return true;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /**
   * As `drain`, but what has not filled a chunk, if it is at most `maxBytes` before compression, is
   * handed over instead: the caller stores it.
   */
  async drainBut(maxBytes: number): Promise<{ done: boolean; lastChunk?: LogChunk }> {
    const open = this.open;
    if (open === undefined || open.rawBytes > maxBytes) return { done: await this.drain() };
    this.open = undefined;
    this.cancelAge?.();
    this.unstored -= open.rawBytes;
    const done = await this.drain();
    // So little is compressed sooner than a thread for it is woken.
    const data = compressSync(Buffer.concat(open.parts));
    return { done, lastChunk: { ...this.describe(open), data } };
  }

  /** Resolves when everything is stored; false when it was abandoned instead. */
  async drain(): Promise<boolean> {
    this.closeOpen();
    while (this.unstored > 0 && !this.abandoned) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return !this.abandoned;
  }

  /**
   * Forgets what is not stored and stores nothing more, but for an insert that is on its way.
   * Idempotent.
   */
  abandon(): void {
    this.abandoned = true;
    this.open = undefined;
    this.closed.length = 0;
    this.unstored = 0;
    this.cancelAge?.();
    this.wake();
  }

  private get full(): boolean {
    return this.unstored > this.limits.unstoredBytes;
  }

  private begin(firstSeq: number): OpenChunk {
    this.cancelAge = this.clock.after(this.limits.chunkMs, () => this.closeOpen());
    return { firstSeq, lastSeq: firstSeq, parts: [], rawBytes: 0, addresses: new Map() };
  }

  private closeOpen(): void {
    this.cancelAge?.();
    if (this.open === undefined) return;
    const chunk = this.describe(this.open);
    const data = this.compress(this.open);
    this.open = undefined;
    // Looked at when its turn comes; until then a failure is not an unhandled one.
    data.catch(() => undefined);
    this.closed.push({ chunk, data });
    if (!this.storing) void this.storeClosed();
  }

  private async compress({ parts, rawBytes }: OpenChunk): Promise<Buffer> {
    const spare = this.spare;
    this.spare = undefined;
    const { chunkBytes, flushBytes } = this.limits;
    const isWhole = rawBytes >= chunkBytes;
    const memory =
      spare !== undefined && spare.length >= rawBytes
        ? spare
        : Buffer.allocUnsafe(isWhole ? Math.max(rawBytes, chunkBytes + 2 * flushBytes) : rawBytes);
    let length = 0;
    for (const part of parts) length += part.copy(memory, length);
    try {
      return await compress(memory.subarray(0, length));
    } finally {
      if (isWhole) this.spare = memory;
    }
  }

  private describe({ firstSeq, lastSeq, rawBytes, addresses }: OpenChunk): ClosedChunk['chunk'] {
    const sources = [...addresses.values()];
    return { ...this.owner, firstSeq, lastSeq, rawBytes, sources };
  }

  private async storeClosed(): Promise<void> {
    this.storing = true;
    for (let next = this.closed.shift(); next !== undefined; next = this.closed.shift()) {
      await this.storeUntilDone(next);
      if (this.abandoned) break;
      this.stored = next.chunk.lastSeq;
      this.unstored -= next.chunk.rawBytes;
      this.onStored(this.stored);
      this.wake();
    }
    this.storing = false;
  }

  private async storeUntilDone({ chunk, data }: ClosedChunk): Promise<void> {
    for (let attempt = 1; !this.abandoned; attempt++) {
      try {
        const compressed = await data;
        if (this.abandoned) return;
        await this.store.insert({ ...chunk, data: compressed });
        return;
      } catch (error) {
        this.onProblem(error, attempt);
        await this.pause(Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10), MAX_RETRY_MS));
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  private wake(): void {
    if (this.full) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export function addressKey({ stage, step, attempt }: LogAddress): string {
  return JSON.stringify([stage, step, attempt]);
}
