import { Readable } from 'node:stream';
import { ObjectStoreError } from './object-store.js';

export interface BlobBodyOptions {
  /** Bytes that must come. */
  readonly length: number;
  /** What an error of the source means. */
  readonly toError: (error: unknown) => ObjectStoreError;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the source may take for its next bytes when they are asked for. */
  readonly patienceMs?: number;
}

/**
 * What a source gives, with the errors that the port promises. The clock runs only while the reader
 * waits: a slow one loses nothing. Destroyed, it destroys its source.
 */
export class BlobBody extends Readable {
  private missing: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: Readable,
    private readonly options: BlobBodyOptions,
  ) {
    super();
    this.missing = options.length;
    source.pause();
    source.on('data', (chunk: Buffer) => this.accept(chunk));
    source.once('end', () => this.finish());
    source.on('error', (error) => this.destroy(options.toError(error)));
    if (options.signal?.aborted === true) this.abort();
    else options.signal?.addEventListener('abort', this.abort, { once: true });
  }

  override _read(): void {
    const { patienceMs } = this.options;
    if (patienceMs !== undefined) this.timer ??= setTimeout(() => this.giveUp(), patienceMs);
    this.source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.stopClock();
    this.options.signal?.removeEventListener('abort', this.abort);
    this.source.destroy();
    callback(error);
  }

  private accept(chunk: Buffer): void {
    this.stopClock();
    this.missing -= chunk.length;
    if (!this.push(chunk)) this.source.pause();
  }

  private finish(): void {
    this.stopClock();
    if (this.missing === 0) this.push(null);
    else this.destroy(new ObjectStoreError('damaged', 'a body has another length than its entry'));
  }

  private giveUp(): void {
    this.destroy(new ObjectStoreError('unreachable', 'the store stopped in a body'));
  }

  private readonly abort = (): void => {
    this.destroy(new ObjectStoreError('aborted', 'the call was aborted'));
  };

  private stopClock(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
