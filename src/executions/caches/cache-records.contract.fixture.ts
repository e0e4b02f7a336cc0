import { randomUUID } from 'node:crypto';
import { type Cache, pathsOf } from './cache.js';
import { savedCache } from './cache.fixture.js';
import type { CacheRecords } from './cache-records.js';

/** What every adapter of `CacheRecords` does. */
export function describeCacheRecords(title: string, records: () => CacheRecords): void {
  describe(`${title} as CacheRecords`, () => {
    let pipelineId: string;
    beforeEach(() => {
      pipelineId = randomUUID();
    });

    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
    const save = async (parts: Partial<Cache> = {}): Promise<Cache> => {
      const cache = savedCache({ pipelineId, ...parts });
      expect(await records().insert(cache)).toBe(true);
      return cache;
    };

    it('gives back what was saved, and knows nothing else', async () => {
      const cache = await save({ key: 'ä 😀 "$.', size: 5 * 1024 ** 3 });
      expect(await records().find(cache.id)).toEqual(cache);
      expect(await records().find(savedCache({ pipelineId }).id)).toBeUndefined();
    });

    it('keeps the first of twenty that are saved at once under one key', async () => {
      const all = Array.from({ length: 20 }, () => savedCache({ pipelineId }));
      const taken = await Promise.all(all.map((cache) => records().insert(cache)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(await records().find(all[0]?.id ?? '')).toEqual(all[taken.indexOf(true)]);
    });

    it('loses none of twenty that are saved and touched at once', async () => {
      const all = Array.from({ length: 20 }, (_item, n) =>
        savedCache({ pipelineId, key: `k${n}` }),
      );
      await Promise.all(all.map((cache) => records().insert(cache)));
      await Promise.all(all.map(({ id }) => records().touch(id, at(9))));
      const found = await Promise.all(all.map(({ id }) => records().find(id)));
      expect(found).toEqual(all.map((cache) => ({ ...cache, usedAt: at(9) })));
    });

    it('touches nothing that is not there', async () => {
      const { id } = savedCache({ pipelineId });
      await records().touch(id, at(1));
      expect(await records().find(id)).toBeUndefined();
    });

    it('finds the last whose key begins so, of the same scope and paths', async () => {
      await save({ key: 'a.c-1', createdAt: at(1) });
      const last = await save({ key: 'a.c-2', createdAt: at(3) });
      await save({ key: 'a.c-3', createdAt: at(2) });
      await save({ key: 'abc-4', createdAt: at(4) });
      await save({ key: 'b-a.c', createdAt: at(4) });
      await save({ key: 'a.c-5', createdAt: at(5), scope: 'fork-1' });
      await save({ key: 'a.c-6', createdAt: at(6), paths: pathsOf(['other']) });
      await save({ key: 'a.c-7', createdAt: at(7), pipelineId: randomUUID() });
      const family = { pipelineId, scope: 'trusted', paths: pathsOf(['kept']) };
      expect(await records().latest(family, 'a.c')).toEqual(last);
      expect(await records().latest(family, 'a.c-3')).toMatchObject({ key: 'a.c-3' });
      expect(await records().latest(family, 'A.C')).toBeUndefined();
      expect(await records().latest(family, '')).toMatchObject({ createdAt: at(4) });
      const unknown = { ...family, scope: 'fork-2' };
      expect(await records().latest(unknown, '')).toBeUndefined();
    });

    it('removes the archive that was named, and none that was saved since', async () => {
      const old = await save();
      await records().remove({ id: old.id, objectKey: savedCache({ pipelineId }).objectKey });
      expect(await records().find(old.id)).toEqual(old);
      await records().remove(old);
      await records().remove(old);
      expect(await records().find(old.id)).toBeUndefined();
      const next = await save();
      await records().remove(old);
      expect(await records().find(next.id)).toEqual(next);
    });

    it('adds up and orders what people have pushed, and what strangers have, apart', async () => {
      const own = [await save({ key: 'a', size: 1, usedAt: at(2) })];
      own.unshift(await save({ key: 'b', size: 20, usedAt: at(1) }));
      const forks = [await save({ key: 'a', size: 300, usedAt: at(1), scope: 'fork-1' })];
      forks.push(await save({ key: 'a', size: 4_000, usedAt: at(2), scope: 'fork-2' }));
      await save({ key: 'a', size: 50_000, pipelineId: randomUUID() });
      expect(await records().bytesOf(pipelineId, 'trusted')).toBe(21);
      expect(await records().bytesOf(pipelineId, 'forks')).toBe(4_300);
      expect(await records().bytesOf(randomUUID(), 'trusted')).toBe(0);
      expect(await records().leastUsed(pipelineId, 'trusted', 9)).toEqual(own);
      expect(await records().leastUsed(pipelineId, 'forks', 9)).toEqual(forks);
      expect(await records().leastUsed(pipelineId, 'forks', 1)).toEqual(forks.slice(0, 1));
    });

    it('names what was not used, the oldest first, and whose archives are whose', async () => {
      const epoch = (seconds: number): Date => new Date(seconds * 1_000);
      const later = await save({ key: 'b', usedAt: epoch(2) });
      const first = await save({ key: 'a', usedAt: epoch(1) });
      await save({ key: 'c', usedAt: epoch(3) });
      expect(await records().unused(epoch(3), 9)).toEqual([first, later]);
      expect(await records().unused(epoch(3), 1)).toEqual([first]);
      const unknown = savedCache({ pipelineId }).objectKey;
      const known = await records().objectsOf([later.objectKey, unknown]);
      expect([...known]).toEqual([later.objectKey]);
      expect((await records().objectsOf([])).size).toBe(0);
    });
  });
}
