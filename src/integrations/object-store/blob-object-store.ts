import { Logger } from '@nestjs/common';
import { Readable } from 'node:stream';
import { suspectBodies } from './abandoned-bodies.js';
import type { BlobStorage } from './blob-storage.js';
import { Measured } from './measured.js';
import type { ObjectKey } from './object-key.js';
import {
  type ByteRange,
  type CallOptions,
  type GetOptions,
  type ObjectContent,
  ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from './object-store.js';
import {
  BODIES,
  bodyPath,
  ENTRIES,
  entryPath,
  formatEntry,
  keyOfEntry,
  MAX_ENTRY_BYTES,
  newBody,
  parseEntry,
  type StoredEntry,
} from './stored-entry.js';

/** How often a reader looks again for the body of an object that is being replaced. */
const LOOKS = 5;
const REMOVED_LATER = 'a body that no entry names is removed later';

/**
 * Objects of two blobs each: a body under a path of its own, and an entry that names it with its
 * size and digest. The entry is written last and by itself, so an object is there at once and as a
 * whole, and so is one that replaces another (docs/adr/0038).
 */
export class BlobObjectStore extends ObjectStore {
  private readonly logger = new Logger(BlobObjectStore.name);

  constructor(private readonly blobs: BlobStorage) {
    super();
  }

  async put(
    key: ObjectKey,
    body: Readable,
    { size, signal }: PutOptions = {},
  ): Promise<StoredObject> {
    try {
      signal?.throwIfAborted();
      return await this.store(key, new Measured(body, size, signal), signal);
    } catch (error) {
      throw signal?.aborted === true ? aborted(error) : error;
    } finally {
      body.destroy();
    }
  }

  async get(key: ObjectKey, { range, signal }: GetOptions = {}): Promise<ObjectContent> {
    return abortable(signal, async () => {
      let last: StoredEntry | undefined;
      for (let look = 0; look < LOOKS; look += 1) {
        const entry = await this.entry(key, signal);
        // Nobody has replaced it since: its body is gone, and will not come.
        if (entry.body === last?.body) break;
        const content = await this.content(key, entry, range, signal);
        if (content) return content;
        last = entry;
      }
      throw new ObjectStoreError('damaged', `the body of ${key} is missing`);
    });
  }

  async stat(key: ObjectKey, { signal }: CallOptions = {}): Promise<StoredObject> {
    const { size, digest } = await abortable(signal, () => this.entry(key, signal));
    return { size, digest };
  }

  async delete(key: ObjectKey, { signal }: CallOptions = {}): Promise<void> {
    await abortable(signal, async () => {
      const entry = await this.entryIfReadable(key, signal);
      await this.blobs.remove(entryPath(key), signal);
      if (entry) await this.removeBody(key, entry.body);
    });
  }

  async *list(
    under?: ObjectKey,
    { signal }: CallOptions = {},
  ): AsyncGenerator<readonly ObjectKey[], void, void> {
    const folder = under === undefined ? ENTRIES : `${ENTRIES}${under}/`;
    const pages = this.blobs.list(folder, signal);
    for (;;) {
      const page = await abortable(signal, () => pages.next());
      if (page.done === true) return;
      const keys = page.value.map(keyOfEntry).filter((key) => key !== undefined);
      if (keys.length > 0) yield keys;
    }
  }

  async abortUnfinished(olderThanMs: number, { signal }: CallOptions = {}): Promise<number> {
    return abortable(signal, async () => {
      const date = new Date(Date.now() - olderThanMs);
      let removed = await this.blobs.abortWrites(date, signal);
      const suspects = suspectBodies(
        this.blobs.list(BODIES, signal),
        this.blobs.list(ENTRIES, signal),
      );
      for await (const { key, body, path } of suspects) {
        const writtenAt = await this.blobs.writtenAt(path, signal);
        if (writtenAt === undefined || writtenAt >= date) continue;
        // Asked last: what was no entry's when the lists were made may be one's now.
        if ((await this.entryIfThere(key, signal))?.body === body) continue;
        await this.blobs.remove(path, signal);
        removed += 1;
      }
      return removed;
    });
  }

  private async store(
    key: ObjectKey,
    measured: Measured,
    signal: AbortSignal | undefined,
  ): Promise<StoredObject> {
    const body = newBody();
    await this.blobs.write(bodyPath(key, body), measured, signal);
    const { result } = measured;
    let replaced: StoredEntry | undefined;
    try {
      replaced = await this.entryIfReadable(key, signal);
      signal?.throwIfAborted();
      const entry = formatEntry({ body, ...result });
      // From here no abort: nobody could say whether the entry has arrived.
      await this.blobs.write(entryPath(key), Readable.from([entry]));
    } catch (error) {
      await this.dropUnlessNamed(key, body, error);
      throw error;
    }
    if (replaced) await this.removeBody(key, replaced.body);
    return result;
  }

  /** The body of a put that failed; where its entry may have arrived, or may still, it stays. */
  private async dropUnlessNamed(key: ObjectKey, body: string, reason: unknown): Promise<void> {
    if (reason instanceof ObjectStoreError && reason.code === 'unreachable') return;
    try {
      if ((await this.entryIfReadable(key))?.body === body) return;
      await this.blobs.remove(bodyPath(key, body));
    } catch (error) {
      this.logger.warn({ err: error, key }, REMOVED_LATER);
    }
  }

  /** Undefined: the body is not there. */
  private async content(
    key: ObjectKey,
    { body: id, size, digest }: StoredEntry,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ObjectContent | undefined> {
    const wanted = clip(range, size);
    if (wanted?.length === 0) return { size, digest, body: Readable.from([]) };
    try {
      const blob = await this.blobs.read(bodyPath(key, id), wanted, signal);
      if (blob.size !== size) {
        blob.body.destroy();
        throw new ObjectStoreError('damaged', `the body of ${key} has another size`);
      }
      return { size, digest, body: blob.body };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  private async entry(key: ObjectKey, signal: AbortSignal | undefined): Promise<StoredEntry> {
    const entry = await this.entryIfThere(key, signal);
    if (entry === undefined) throw new ObjectStoreError('not_found', `there is no object ${key}`);
    return entry;
  }

  private async entryIfThere(
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<StoredEntry | undefined> {
    let bytes: Buffer | undefined;
    try {
      const { size, body } = await this.blobs.read(entryPath(key), undefined, signal);
      if (size <= MAX_ENTRY_BYTES) bytes = Buffer.concat(await body.toArray({ signal }));
      else body.destroy();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    const entry = bytes && parseEntry(bytes);
    if (entry === undefined)
      throw new ObjectStoreError('damaged', `the entry of ${key} is damaged`);
    return entry;
  }

  /** As above, where a damaged entry is in the way of nothing. */
  private async entryIfReadable(
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<StoredEntry | undefined> {
    try {
      return await this.entryIfThere(key, signal);
    } catch (error) {
      if (error instanceof ObjectStoreError && error.code === 'damaged') return undefined;
      throw error;
    }
  }

  /** No entry names it: where it cannot be removed now, `abortUnfinished` does it later. */
  private async removeBody(key: ObjectKey, body: string): Promise<void> {
    try {
      await this.blobs.remove(bodyPath(key, body));
    } catch (error) {
      this.logger.warn({ err: error, key }, REMOVED_LATER);
    }
  }
}

/** The part of the range that lies within the content. */
function clip(range: ByteRange | undefined, size: number): Required<ByteRange> | undefined {
  if (range === undefined) return size === 0 ? { offset: 0, length: 0 } : undefined;
  const offset = Math.min(range.offset, size);
  return { offset, length: Math.min(range.length ?? size, size - offset) };
}

function isNotFound(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.code === 'not_found';
}

function aborted(cause: unknown): ObjectStoreError {
  return new ObjectStoreError('aborted', 'the call was aborted', { cause });
}

async function abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    throw signal?.aborted === true ? aborted(error) : error;
  }
}
