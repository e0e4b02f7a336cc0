import { Logger } from '@nestjs/common';
import { Readable } from 'node:stream';
import { BlobObjectStore } from './blob-object-store.js';
import type { BlobStorage } from './blob-storage.js';
import { objectKey } from './object-key.js';
import { ObjectStoreError, type ObjectStoreErrorCode } from './object-store.js';
import { bodyPath, entryPath, formatEntry, newBody } from './stored-entry.js';

const KEY = objectKey('a');
const ENTRY = entryPath(KEY);
const content = (text: string): Readable => Readable.from([Buffer.from(text)]);

/** Blobs in memory, and what happens at the same moment. */
class Blobs implements BlobStorage {
  readonly blobs = new Map<string, Buffer>();
  /** Done before a body is read. */
  beforeBody: () => void = () => undefined;
  /** Done in the place of writing an entry. */
  onEntry: ((path: string, bytes: Buffer, signal?: AbortSignal) => void) | undefined;

  async write(path: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    if (path.startsWith('entries/') && this.onEntry) this.onEntry(path, whole, signal);
    else this.blobs.set(path, whole);
  }

  async read(path: string): Promise<{ readonly size: number; readonly body: Readable }> {
    if (path.startsWith('bodies/')) this.beforeBody();
    const bytes = this.blobs.get(path);
    if (bytes === undefined) throw new ObjectStoreError('not_found', 'it is not there');
    return { size: bytes.length, body: Readable.from([bytes]) };
  }

  async remove(path: string): Promise<void> {
    this.blobs.delete(path);
  }

  async *list(): AsyncGenerator<readonly string[], void, void> {
    yield [...this.blobs.keys()];
  }

  async writtenAt(): Promise<Date | undefined> {
    return new Date(0);
  }

  async abortWrites(): Promise<number> {
    return 0;
  }

  /** As a put of another process does it. */
  replace(text: string): void {
    this.blobs.clear();
    const body = newBody();
    this.blobs.set(bodyPath(KEY, body), Buffer.from(text));
    const entry = { body, size: text.length, digest: '0'.repeat(64) };
    this.blobs.set(ENTRY, formatEntry(entry));
  }

  get bodies(): string[] {
    return [...this.blobs.keys()].filter((path) => path.startsWith('bodies/'));
  }
}

describe('objects of an entry and a body', () => {
  let blobs: Blobs;
  let store: BlobObjectStore;

  beforeEach(() => {
    blobs = new Blobs();
    store = new BlobObjectStore(blobs);
  });

  afterEach(() => jest.restoreAllMocks());

  it('are read as they are then when they are replaced between entry and body', async () => {
    blobs.replace('first');
    let replaced = 0;
    blobs.beforeBody = () => {
      replaced += 1;
      if (replaced <= 2) blobs.replace(`number ${replaced}`);
    };
    const { body, size } = await store.get(KEY);
    expect(Buffer.concat(await body.toArray()).toString()).toBe('number 2');
    expect(size).toBe(8);
  });

  it('are not there when they are deleted between entry and body', async () => {
    blobs.replace('first');
    blobs.beforeBody = () => blobs.blobs.clear();
    await expect(store.get(KEY)).rejects.toMatchObject({ code: 'not_found' });
  });

  const failing = (code: ObjectStoreErrorCode) => () => {
    throw new ObjectStoreError(code, 'no entry');
  };

  it('leave no body when their entry was refused', async () => {
    blobs.onEntry = failing('full');
    await expect(store.put(KEY, content('x'))).rejects.toMatchObject({ code: 'full' });
    expect([...blobs.blobs]).toEqual([]);
  });

  it('keep the body of an entry that may arrive yet', async () => {
    blobs.onEntry = failing('unreachable');
    await expect(store.put(KEY, content('x'))).rejects.toMatchObject({ code: 'unreachable' });
    expect(blobs.bodies).toHaveLength(1);
  });

  it('keep the body of an entry that has arrived, whatever was answered', async () => {
    blobs.onEntry = (path, bytes) => {
      blobs.blobs.set(path, bytes);
      failing('failed')();
    };
    await expect(store.put(KEY, content('x'))).rejects.toMatchObject({ code: 'failed' });
    expect(await store.stat(KEY)).toMatchObject({ size: 1 });
    const { body } = await store.get(KEY);
    expect(Buffer.concat(await body.toArray()).toString()).toBe('x');
  });

  it('are not aborted while their entry is written: nobody could say what became of it', async () => {
    const controller = new AbortController();
    blobs.onEntry = (path, bytes, signal) => {
      controller.abort();
      expect(signal).toBeUndefined();
      blobs.blobs.set(path, bytes);
    };
    const putting = store.put(KEY, content('x'), { signal: controller.signal });
    expect(await putting).toMatchObject({ size: 1 });
  });

  it('are put although what they replace cannot be removed', async () => {
    await store.put(KEY, content('first'));
    blobs.remove = async () => failing('unreachable')();
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    expect(await store.put(KEY, content('second'))).toMatchObject({ size: 6 });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(await store.stat(KEY)).toMatchObject({ size: 6 });
  });
});
