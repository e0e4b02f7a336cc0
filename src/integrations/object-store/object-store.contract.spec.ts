import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from '../../../test/support/remove-tree.js';
import { diskObjectStore } from './disk/disk-object-store.js';
import { type ObjectKey, objectKey } from './object-key.js';
import type { GetOptions, ObjectStore } from './object-store.js';
import { bodyPath, entryPath, formatEntry } from './stored-entry.js';

/** A store, and the folder in which its blobs are files. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  readonly folder: string;
}

const HOUR_MS = 3_600_000;
const MiB = 1024 * 1024;

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Paths of all files below a folder, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** What every adapter of `ObjectStore` does. */
export function describeObjectStore(name: string, under: () => StoreUnderTest): void {
  describe(`${name} as ObjectStore`, () => {
    let space = '';
    const key = (...segments: string[]): ObjectKey => objectKey(space, ...segments);
    const store = (): ObjectStore => under().store;
    const put = (at: ObjectKey, content: string) =>
      store().put(at, Readable.from([Buffer.from(content)]));
    const read = async (at: ObjectKey, options?: GetOptions): Promise<string> => {
      const { body } = await store().get(at, options);
      return Buffer.concat(await body.toArray()).toString();
    };
    const list = async (at?: ObjectKey): Promise<string[]> => {
      const keys: string[] = [];
      for await (const page of store().list(at)) keys.push(...page);
      return keys;
    };
    /** Files of this test, finished or not. */
    const files = async (): Promise<string[]> => {
      const all = await filesIn(under().folder).catch(() => []);
      return all.filter((path) => path.includes(space) || /unfinished|sgwtmp/.test(path));
    };
    const plant = async (path: string, content: string | Buffer, agedMs = 0): Promise<void> => {
      const file = join(under().folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      const date = new Date(Date.now() - agedMs);
      await utimes(file, date, date);
    };

    beforeEach(() => {
      space = randomUUID();
    });

    it('gives back what was put, with size and digest', async () => {
      const content = 'one line\nand ü';
      const known = { size: Buffer.byteLength(content), digest: sha256(Buffer.from(content)) };
      expect(await put(key('a.txt'), content)).toEqual(known);
      expect(await store().stat(key('a.txt'))).toEqual(known);
      const { body, ...about } = await store().get(key('a.txt'));
      expect(about).toEqual(known);
      expect(Buffer.concat(await body.toArray()).toString()).toBe(content);
    });

    it('stores nothing as something', async () => {
      const empty = { size: 0, digest: sha256(Buffer.alloc(0)) };
      expect(await store().put(key('empty'), Readable.from([]), { size: 0 })).toEqual(empty);
      expect(await store().stat(key('empty'))).toEqual(empty);
      expect(await read(key('empty'))).toBe('');
      expect(await read(key('empty'), { range: { offset: 0, length: 1 } })).toBe('');
    });

    it('stores contents of many parts as they are', async () => {
      const block = randomBytes(MiB);
      const blocks = Array.from({ length: 17 }, (_each, index) => block.subarray(index));
      const whole = Buffer.concat(blocks);
      const known = { size: whole.length, digest: sha256(whole) };
      expect(await store().put(key('large'), Readable.from(blocks))).toEqual(known);
      const { body } = await store().get(key('large'));
      expect(sha256(Buffer.concat(await body.toArray()))).toBe(known.digest);
      const range = { offset: 8 * MiB - 3, length: 7 };
      const part = await store().get(key('large'), { range });
      const bytes = Buffer.concat(await part.body.toArray());
      expect(bytes).toEqual(whole.subarray(range.offset, range.offset + range.length));
    });

    it('gives ranges, and of what lies behind the end nothing', async () => {
      await put(key('a'), '0123456789');
      const range = (offset: number, length?: number) =>
        read(key('a'), { range: { offset, length } });
      expect(await range(0)).toBe('0123456789');
      expect(await range(0, 1)).toBe('0');
      expect(await range(3, 4)).toBe('3456');
      expect(await range(9)).toBe('9');
      expect(await range(8, 100)).toBe('89');
      expect(await range(4, 0)).toBe('');
      expect(await range(10)).toBe('');
      expect(await range(100, 5)).toBe('');
    });

    it('says what is not there', async () => {
      const missing = { code: 'not_found' };
      await put(key('a', 'b'), 'x');
      for (const at of [key('c'), key('a'), key('a', 'b', 'c')]) {
        await expect(store().stat(at)).rejects.toMatchObject(missing);
        await expect(store().get(at)).rejects.toMatchObject(missing);
      }
    });

    it('deletes, again and again, and leaves nothing', async () => {
      await put(key('a', 'b'), 'x');
      await put(key('a'), 'y');
      await store().delete(key('a', 'b'));
      await store().delete(key('a', 'b'));
      await store().delete(key('never'));
      await expect(store().stat(key('a', 'b'))).rejects.toMatchObject({ code: 'not_found' });
      expect(await read(key('a'))).toBe('y');
      await store().delete(key('a'));
      expect(await files()).toEqual([]);
    });

    it('replaces, and leaves nothing of what was there', async () => {
      await put(key('a'), 'the first one, which is longer');
      await put(key('a'), 'second');
      expect(await read(key('a'))).toBe('second');
      expect(await list(key())).toEqual([key('a')]);
      expect(await files()).toHaveLength(2);
    });

    it('shows all of an object or nothing while many put it', async () => {
      const contents = Array.from({ length: 12 }, (_each, index) => `${index}`.repeat(50_000));
      await put(key('a'), contents[0] ?? '');
      let done = false;
      const writing = Promise.all(contents.map((content) => put(key('a'), content)));
      const reading = (async () => {
        while (!done) {
          const { size, digest, body } = await store().get(key('a'));
          const bytes = Buffer.concat(await body.toArray());
          expect([bytes.length, sha256(bytes)]).toEqual([size, digest]);
        }
      })();
      await writing;
      done = true;
      await reading;
      // Of puts at the same time each may have seen the same one before it.
      await store().abortUnfinished(-HOUR_MS);
      expect(await files()).toHaveLength(2);
      expect(contents).toContain(await read(key('a')));
    });

    it('shows nothing of a put that is under way', async () => {
      const source = new PassThrough();
      const putting = store().put(key('a'), source);
      source.write(Buffer.alloc(9 * MiB));
      await sleep(50);
      await expect(store().stat(key('a'))).rejects.toMatchObject({ code: 'not_found' });
      expect(await list(key())).toEqual([]);
      source.end();
      expect((await putting).size).toBe(9 * MiB);
    });

    it.each([1, 9 * MiB])('leaves nothing when its stream fails after %i bytes', async (bytes) => {
      async function* failing() {
        yield Buffer.alloc(bytes);
        throw new Error('no more of it');
      }
      await put(key('kept'), 'kept');
      const before = await files();
      for (const name of ['a', 'kept']) {
        const putting = store().put(key(name), Readable.from(failing()));
        await expect(putting).rejects.toThrow('no more of it');
      }
      expect(await files()).toEqual(before);
      expect(await read(key('kept'))).toBe('kept');
    });

    it('refuses other sizes than were announced, and leaves nothing', async () => {
      for (const size of [9, 11, 0]) {
        const source = Readable.from([Buffer.from('01234'), Buffer.from('56789')]);
        const putting = store().put(key('a'), source, { size });
        await expect(putting).rejects.toMatchObject({ code: 'size_mismatch' });
        expect(source.destroyed).toBe(true);
      }
      expect(await files()).toEqual([]);
      const source = Readable.from([Buffer.from('0123456789')]);
      expect(await store().put(key('a'), source, { size: 10 })).toMatchObject({ size: 10 });
    });

    it('ends a put that is aborted, and leaves nothing', async () => {
      const aborted = { code: 'aborted' };
      const controller = new AbortController();
      const source = new PassThrough();
      const putting = store().put(key('a'), source, { signal: controller.signal });
      source.write(Buffer.alloc(17 * MiB));
      await sleep(50);
      controller.abort();
      await expect(putting).rejects.toMatchObject(aborted);
      expect(source.destroyed).toBe(true);
      expect(await files()).toEqual([]);
      const early = Readable.from([Buffer.from('x')]);
      const { signal } = controller;
      await expect(store().put(key('a'), early, { signal })).rejects.toMatchObject(aborted);
      expect(early.destroyed).toBe(true);
    });

    it('ends a get that is aborted, and all other calls too', async () => {
      const aborted = { code: 'aborted' };
      const controller = new AbortController();
      const { signal } = controller;
      await store().put(key('a'), Readable.from([Buffer.alloc(4 * MiB)]));
      const { body } = await store().get(key('a'), { signal });
      const reading = (async () => {
        body.on('data', () => controller.abort());
        await finished(body);
      })();
      await expect(reading).rejects.toMatchObject(aborted);
      await expect(store().get(key('a'), { signal })).rejects.toMatchObject(aborted);
      await expect(store().stat(key('a'), { signal })).rejects.toMatchObject(aborted);
      await expect(store().delete(key('a'), { signal })).rejects.toMatchObject(aborted);
      await expect(store().abortUnfinished(0, { signal })).rejects.toMatchObject(aborted);
      const listing = store().list(key(), { signal })[Symbol.asyncIterator]();
      await expect(listing.next()).rejects.toMatchObject(aborted);
      expect(await store().stat(key('a'))).toMatchObject({ size: 4 * MiB });
    });

    it('lists the keys below a key, in the order of their bytes', async () => {
      const names = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a0', 'aB', 'ab', 'b'];
      const keys = names.map((text) => key(...text.split('/')));
      for (const each of keys.toReversed()) await put(each, each);
      expect(await list(key())).toEqual(keys);
      expect(await list(key('a'))).toEqual([key('a', 'b'), key('a', 'b', 'c')]);
      expect(await list(key('nothing'))).toEqual([]);
      const all = await list();
      expect(all.filter((each) => each.startsWith(space))).toEqual(keys);
      expect(all.toSorted()).toEqual(all);
    });

    it('lists by pages', async () => {
      const keys = Array.from({ length: 1_203 }, (_each, index) => key('n', `k${index}`)).sort();
      const entry = formatEntry({ body: randomUUID(), size: 0, digest: '00'.repeat(32) });
      for (const each of keys) await plant(entryPath(each), entry);
      const pages: (readonly string[])[] = [];
      for await (const page of store().list(key('n'))) pages.push(page);
      expect(pages.flat()).toEqual(keys);
      expect(pages.map((page) => page.length)).toEqual([1_000, 203]);
    });

    it('says what is damaged, and puts and deletes over it', async () => {
      const damaged = { code: 'damaged' };
      await plant(entryPath(key('a')), 'no entry');
      await plant(entryPath(key('b')), 'x'.repeat(5_000));
      await put(key('c'), 'content');
      await put(key('d'), 'content');
      const bodies = (await files()).filter((path) => path.startsWith('bodies/'));
      const [ofC = '', ofD = ''] = bodies;
      await plant(ofC, 'shorter');
      await plant(ofC, 'short');
      await removeTree(join(under().folder, ofD));
      for (const name of ['a', 'b', 'c', 'd']) {
        await expect(read(key(name))).rejects.toMatchObject(damaged);
      }
      await expect(store().stat(key('a'))).rejects.toMatchObject(damaged);
      await put(key('a'), 'whole');
      expect(await read(key('a'))).toBe('whole');
      for (const name of ['a', 'b', 'c', 'd']) await store().delete(key(name));
      expect(await list(key())).toEqual([]);
    });

    it('removes bodies that no entry names, by their age', async () => {
      await put(key('kept'), 'kept');
      await put(key('replaced'), 'replaced');
      const before = await files();
      const orphan = (at: ObjectKey, agedMs: number) =>
        plant(bodyPath(at, randomUUID()), 'orphan', agedMs);
      await orphan(key('killed'), 3 * HOUR_MS);
      await orphan(key('replaced'), 3 * HOUR_MS);
      await orphan(key('replaced'), 4 * HOUR_MS);
      await orphan(key('kept', 'deeper'), 3 * HOUR_MS);
      await orphan(key('young'), HOUR_MS);
      expect(await store().abortUnfinished(2 * HOUR_MS)).toBe(4);
      expect(await store().abortUnfinished(2 * HOUR_MS)).toBe(0);
      expect(await files()).toHaveLength(before.length + 1);
      expect(await store().abortUnfinished(HOUR_MS / 2)).toBe(1);
      expect(await read(key('kept'))).toBe('kept');
      expect(await read(key('replaced'))).toBe('replaced');
    });
  });
}

let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'millrace-objects-')), 'objects');
  store = diskObjectStore(folder);
});
afterAll(() => removeTree(dirname(folder)));

describeObjectStore('the disk', () => ({ store, folder }));
