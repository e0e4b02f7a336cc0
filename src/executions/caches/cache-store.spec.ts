import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const stored = async (): Promise<number> => {
    let count = 0;
    for await (const keys of objects.list()) count += keys.length;
    return count;
  };

  it('finds a key, else the latest that begins so, and says which', async () => {
    await save('npm-1');
    await save('npm-2');
    expect(await store().find(trusted, 'npm-1', ['npm-'])).toMatchObject({
      isExact: true,
      cache: { key: 'npm-1' },
    });
    expect(await store().find(trusted, 'npm-3', ['other-', 'npm-'])).toMatchObject({
      isExact: false,
      cache: { key: 'npm-2' },
    });
    expect(await store().find(trusted, 'npm-3', ['other-'])).toBeUndefined();
    expect(await store().find({ ...trusted, pipelineId: 'p2' }, 'npm-1', [''])).toBeUndefined();
  });

  it('lets a fork read what is trusted, and nobody else what a fork has saved', async () => {
    await save('npm-1');
    await save('npm-2', fork);
    expect(await store().find(fork, 'npm-1', [])).toMatchObject({ isExact: true });
    expect(await store().find(fork, 'npm-2', [])).toMatchObject({ isExact: true });
    expect(await store().find(trusted, 'npm-2', [])).toBeUndefined();
    expect(await store().find(trusted, 'x', ['npm-'])).toMatchObject({ cache: { key: 'npm-1' } });
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
    const first = await store().find(trusted, 'one', []);
    if (!first) throw new Error('gone');
    (await store().open(first.cache, NEVER))?.destroy();
    expect(await save('three', trusted, ['f'], 6_000)).toMatchObject({ evicted: 1 });
    expect([...records.all.values()].map(({ key }) => key).sort()).toEqual(['one', 'three']);
    expect(await stored()).toBe(2);
  });

  it('saves nothing that is larger than all may be', async () => {
    expect(await save('k', trusted, ['f'], 500)).toMatchObject({ kind: 'too_large' });
    expect([records.all.size, await stored()]).toEqual([0, 0]);
  });

  it('forgets one whose archive is gone', async () => {
    await save('k');
    const found = await store().find(trusted, 'k', []);
    if (!found) throw new Error('gone');
    for await (const keys of objects.list()) for (const key of keys) await objects.delete(key);
    expect(await store().open(found.cache, NEVER)).toBeUndefined();
    expect(records.all.size).toBe(0);
  });
});
