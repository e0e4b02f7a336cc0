import type { Readable } from 'node:stream';
import type { ByteRange } from './object-store.js';

/** Paths of one page of a list at most. */
export const PAGE_SIZE = 1_000;

/**
 * What disk and S3 do each in its own way: bytes under a path, of characters that both take. All
 * reject with an `ObjectStoreError`, and with whatever the stream that is written fails with.
 */
export interface BlobStorage {
  /** All or nothing, and durable; replaces what is there. Reads `bytes` once. */
  write(path: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;

  /**
   * Resolves when the first byte can be read; rejects with `not_found`. `size` is that of the whole
   * blob. A range that begins at its end or behind it is for the caller to avoid.
   */
  read(
    path: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number; readonly body: Readable }>;

  /** Idempotent. */
  remove(path: string, signal?: AbortSignal): Promise<void>;

  /** Paths that begin with `folder`, which ends with `/`, in the order of their bytes. */
  list(folder: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, void>;

  /** When it was written; undefined: it is not there. */
  writtenAt(path: string, signal?: AbortSignal): Promise<Date | undefined>;

  /** Removes what writes have left that began before `date`. @returns how many */
  abortWrites(date: Date, signal?: AbortSignal): Promise<number>;
}
