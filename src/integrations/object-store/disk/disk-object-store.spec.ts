import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { eventually } from '../../../../test/support/eventually.js';
import { removeTree } from '../../../../test/support/remove-tree.js';
import { objectKey } from '../object-key.js';
import type { ObjectStore } from '../object-store.js';
import { filesIn } from '../object-store.contract.spec.js';
import { bodyPath, entryPath, formatEntry } from '../stored-entry.js';
import { diskObjectStore } from './disk-object-store.js';

const HOUR_MS = 3_600_000;
const damaged = { code: 'damaged' };
const content = (): Readable => Readable.from([Buffer.from('content')]);

describe('objects on the disk', () => {
  let base: string;
  let folder: string;
  let store: ObjectStore;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
    folder = join(base, 'home', 'objects');
    store = diskObjectStore(folder);
  });
  afterEach(() => removeTree(base));

  it('are nowhere before the first one', async () => {
    await expect(store.stat(objectKey('a'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await store.abortUnfinished(0)).toBe(0);
    await store.delete(objectKey('a'));
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('are files of one user alone', async () => {
    await store.put(objectKey('a', 'b'), content());
    const files = await filesIn(folder);
    expect(files).toHaveLength(2);
    for (const file of files) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(join(folder, file)))).mode & 0o777).toBe(0o700);
    }
  });

  it('are not looked for behind links', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    const secret = Buffer.from('content of another user');
    const body = randomUUID();
    await writeFile(join(outside, `b!${body}`), secret);
    await writeFile(
      join(outside, 'b!'),
      formatEntry({ body, size: secret.length, digest: '0'.repeat(64) }),
    );
    await store.put(objectKey('real', 'b'), content());

    // The folder of an entry is a link.
    await symlink(outside, join(folder, 'entries', 'a'));
    await symlink(outside, join(folder, 'bodies', 'a'));
    const key = objectKey('a', 'b');
    await expect(store.stat(key)).rejects.toMatchObject(damaged);
    await expect(store.get(key)).rejects.toMatchObject(damaged);
    await expect(store.put(key, content())).rejects.toMatchObject(damaged);
    await expect(store.delete(key)).rejects.toMatchObject(damaged);
    for await (const page of store.list()) expect(page).toEqual([objectKey('real', 'b')]);
    await expect(store.list(objectKey('a'))[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      damaged,
    );

    // The entry itself, and the body.
    const linked = objectKey('real', 'linked');
    await symlink(join(outside, 'b!'), join(folder, entryPath(linked)));
    await expect(store.stat(linked)).rejects.toMatchObject(damaged);
    await store.delete(linked);
    await writeFile(
      join(folder, entryPath(linked)),
      formatEntry({ body, size: secret.length, digest: '0'.repeat(64) }),
    );
    await symlink(join(outside, `b!${body}`), join(folder, bodyPath(linked, body)));
    await expect(store.get(linked)).rejects.toMatchObject(damaged);

    // What is put in the place of a link replaces the link.
    await store.put(linked, content());
    expect(await readFile(join(outside, `b!${body}`))).toEqual(secret);
  });

  it('leave no folders of deleted ones', async () => {
    await store.put(objectKey('a', 'b', 'c'), content());
    await store.put(objectKey('a', 'd'), content());
    await store.delete(objectKey('a', 'b', 'c'));
    await expect(stat(join(folder, 'entries', 'a', 'b'))).rejects.toThrow('ENOENT');
    await expect(stat(join(folder, 'bodies', 'a', 'b'))).rejects.toThrow('ENOENT');
    await store.stat(objectKey('a', 'd'));
  });

  it('are put while others of the same folder are deleted', async () => {
    await Promise.all(
      Array.from({ length: 200 }, async (_each, index) => {
        const key = objectKey('a', 'b', String(index));
        await store.put(key, content());
        await store.delete(key);
      }),
    );
    expect(await filesIn(folder)).toEqual([]);
  });

  it('that nobody finished are removed by their age', async () => {
    await store.put(objectKey('a'), content());
    const draft = async (name: string, agedMs: number) => {
      const file = join(folder, 'unfinished', name);
      await writeFile(file, 'half');
      const date = new Date(Date.now() - agedMs);
      await utimes(file, date, date);
    };
    await draft('old', 3 * HOUR_MS);
    await draft('young', HOUR_MS);
    expect(await store.abortUnfinished(2 * HOUR_MS)).toBe(1);
    expect((await filesIn(folder)).filter((path) => path.startsWith('unfinished'))).toEqual([
      'unfinished/young',
    ]);
  });

  it('that are removed under a put make it fail', async () => {
    const source = new PassThrough();
    const putting = store.put(objectKey('a'), source);
    source.write('x');
    // As soon as there is something of it.
    const removed = await eventually(async () => {
      const count = await store.abortUnfinished(-HOUR_MS);
      return count === 0 ? undefined : count;
    });
    expect(removed).toBe(1);
    source.end();
    await expect(putting).rejects.toMatchObject({ code: 'not_found' });
  });
});
