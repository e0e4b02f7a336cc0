import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { ObjectStoreError, type StoredObject } from './object-store.js';

/**
 * A stream that is counted and hashed as it is read, once. It fails with `size_mismatch` as soon as
 * other bytes come than were announced, and with `aborted`.
 */
export class Measured implements AsyncIterable<Uint8Array> {
  private readonly hash = createHash('sha256');
  private size = 0;
  private total: StoredObject | undefined;

  constructor(
    private readonly source: Readable,
    private readonly announced: number | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.signal) addAbortSignal(this.signal, this.source);
    for await (const chunk of this.source as AsyncIterable<Uint8Array>) {
      this.size += chunk.length;
      if (this.announced !== undefined && this.size > this.announced) throw this.mismatch('more');
      this.hash.update(chunk);
      yield chunk;
    }
    if (this.announced !== undefined && this.size < this.announced) throw this.mismatch('fewer');
    this.total = { size: this.size, digest: this.hash.digest('hex') };
  }

  /** What came. Only after it was read to its end. */
  get result(): StoredObject {
    if (this.total === undefined) throw new Error('The stream was not read to its end.');
    return this.total;
  }

  private mismatch(word: string): ObjectStoreError {
    return new ObjectStoreError(
      'size_mismatch',
      `${word} bytes came than the ${String(this.announced)} that were announced`,
    );
  }
}
