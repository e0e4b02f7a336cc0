import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { objectKey } from '../../integrations/object-store/object-key.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { type CacheOrigin, CacheStore } from './cache-store.js';
import { MemoryCaches } from './memory-caches.fixture.js';

const trusted: CacheOrigin = {
  ...{ pipelineId: 'p1', executionId: 'e1' },
  scopes: { own: 'trusted', read: ['trusted'] },
};
const fork: CacheOrigin = { ...trusted, scopes: { own: 'fork-1', read: ['fork-1', 'trusted'] } };
const NEVER = new AbortController().signal;

describe('CacheStore', () => {
  let base: string;
  let records: MemoryCaches;
  let objects: ObjectStore;
  let now: number;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mr-caches-'));
    for (const name of ['tree', 'scratch']) mkdirSync(join(base, name));
    writeFileSync(join(base, 'tree/f'), 'x'.repeat(1_000));
    records = new MemoryCaches();
    objects = diskObjectStore(join(base, 'objects'));
    now = Date.UTC(2026, 0, 1);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const store = (maxBytes = 1_000_000) =>
    new CacheStore(objects, records, maxBytes, () => new Date((now += 120_000)));
  const save = (key: string, origin = trusted, globs = ['f'], maxBytes = 1_000_000) =>
    store(maxBytes).save(
      origin,
      key,
      { root: join(base, 'tree'), globs, scratch: join(base, 'scratch') },
      NEVER,
    );
  const find = (origin: CacheOrigin, key: string, restoreKeys: string[] = [], globs = ['f']) =>
    store().find(origin, { globs, key, restoreKeys });
  const stored = async (): Promise<number> => {
    let count = 0;
    for await (const keys of objects.list()) count += keys.length;
    return count;
  };

  it('finds a key, else the latest that begins so, and says which', async () => {
    await save('npm-1');
    await save('npm-2');
    expect(await find(trusted, 'npm-1', ['npm-'])).toMatchObject({
      isExact: true,
      cache: { key: 'npm-1' },
    });
    expect(await find(trusted, 'npm-3', ['other-', 'npm-'])).toMatchObject({
      isExact: false,
      cache: { key: 'npm-2' },
    });
    expect(await find(trusted, 'npm-3', ['other-'])).toBeUndefined();
    expect(await find({ ...trusted, pipelineId: 'p2' }, 'npm-1', [''])).toBeUndefined();
  });

  it('lets a fork read what is trusted, and nobody else what a fork has saved', async () => {
    await save('npm-1');
    await save('npm-2', fork);
    expect(await find(fork, 'npm-1', [])).toMatchObject({ isExact: true });
    expect(await find(fork, 'npm-2', [])).toMatchObject({ isExact: true });
    expect(await find(trusted, 'npm-2', [])).toBeUndefined();
    expect(await find(trusted, 'x', ['npm-'])).toMatchObject({ cache: { key: 'npm-1' } });
  });

  it('saves a key once, and nothing at all where there is nothing', async () => {
    expect(await save('k')).toMatchObject({ kind: 'saved', evicted: 0 });
    expect(await save('k')).toEqual({ kind: 'there' });
    expect(await save('empty', trusted, ['none'])).toEqual({ kind: 'nothing' });
    expect(await stored()).toBe(1);
  });

  it('keeps the first of two that save at once', async () => {
    const both = await Promise.all([save('k'), save('k')]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['saved', 'there']);
    expect(await stored()).toBe(1);
  });

  it('removes those that were not used for longest, beyond the bytes of a pipeline', async () => {
    await save('one');
    await save('two');
    const first = await find(trusted, 'one', []);
    if (!first) throw new Error('gone');
    (await store().open(first.cache, NEVER))?.destroy();
    expect(await save('three', trusted, ['f'], 6_000)).toMatchObject({ evicted: 1 });
    expect([...records.all.values()].map(({ key }) => key).sort()).toEqual(['one', 'three']);
    expect(await stored()).toBe(2);
  });

  it('lets forks push out each other, beyond a quarter of the bytes, and nobody else', async () => {
    await save('trusted');
    const keys = () => [...records.all.values()].map(({ key }) => key).sort();
    const other: CacheOrigin = { ...trusted, scopes: { own: 'fork-2', read: [] } };
    // An archive of these has 2,560 bytes or more: two fit into a quarter.
    await save('one', fork, ['f'], 24_000);
    await save('two', other, ['f'], 24_000);
    expect(await save('three', fork, ['f'], 24_000)).toMatchObject({ evicted: 1 });
    expect(keys()).toEqual(['three', 'trusted', 'two']);
    expect(await save('more', fork, ['f'], 8_000)).toMatchObject({ kind: 'saved', evicted: 2 });
    expect(keys()).toEqual(['more', 'trusted']);
    expect(await save('large', fork, ['f'], 3_000)).toMatchObject({ kind: 'too_large' });
    // Nor do those of forks take the place of others.
    expect(await save('next', trusted, ['f'], 6_000)).toMatchObject({ evicted: 0 });
    expect(keys()).toEqual(['more', 'next', 'trusted']);
  });

  it('is saved, though room cannot be made', async () => {
    await save('one');
    jest.spyOn(records, 'leastUsed').mockRejectedValueOnce(new Error('away'));
    const end = await save('two', trusted, ['f'], 4_000);
    expect(end).toMatchObject({ kind: 'saved', evicted: 0, problem: new Error('away') });
    expect(records.all.size).toBe(2);
  });

  it('drops the archive that was named, and none that was saved since', async () => {
    await save('k');
    const [old] = [...records.all.values()];
    if (!old) throw new Error('gone');
    await store().drop(old);
    await save('k');
    await store().drop(old);
    expect([records.all.size, await stored()]).toEqual([1, 1]);
  });

  it('saves nothing that is larger than all may be', async () => {
    expect(await save('k', trusted, ['f'], 500)).toMatchObject({ kind: 'too_large' });
    expect([records.all.size, await stored()]).toEqual([0, 0]);
  });

  it('sweeps what was not used for long, and archives that killed processes have left', async () => {
    const day = 86_400_000;
    await save('old');
    now += 3 * day;
    await save('new');
    const left = objectKey('caches', 'p1', firstUuidAt(now - 2 * day));
    const fresh = objectKey('caches', 'p1', firstUuidAt(now));
    for (const key of [left, fresh]) await objects.put(key, Readable.from([Buffer.from('x')]));
    expect(await store().sweep(new Date(now - day))).toBe(2);
    expect([...records.all.values()].map(({ key }) => key)).toEqual(['new']);
    // Of the youngest nobody knows yet whether it will have a record.
    expect(await stored()).toBe(2);
    await expect(objects.stat(fresh)).resolves.toBeDefined();
  });

  it('forgets one whose archive is gone', async () => {
    await save('k');
    const found = await find(trusted, 'k', []);
    if (!found) throw new Error('gone');
    for await (const keys of objects.list()) for (const key of keys) await objects.delete(key);
    expect(await store().open(found.cache, NEVER)).toBeUndefined();
    expect(records.all.size).toBe(0);
  });
});
