import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { savedCache } from '../../executions/caches/cache.fixture.js';
import { describeCacheRecords } from '../../executions/caches/cache-records.contract.fixture.js';
import { LocalCacheRecords } from './local-cache-records.js';
import { LocalCaches } from './local-caches.js';

const NEVER = new AbortController().signal;

let base: string;
let told: string[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'mr-local-caches-'));
  told = [];
});
afterEach(() => rmSync(base, { recursive: true }));

const report = (problem: string): void => void told.push(problem);
const records = (): LocalCacheRecords => new LocalCacheRecords(join(base, 'records'), report);

// A new one for each question, as other runs of the same user are.
describeCacheRecords('LocalCacheRecords', records);

describe('LocalCacheRecords', () => {
  it.each(['', '[{"id":', '[]', '{"id":"x"}', 'null'])(
    'takes one of the text %j for none, and says so',
    async (text) => {
      const [broken, whole] = [savedCache({ key: 'a' }), savedCache({ key: 'b' })];
      await records().insert(broken);
      const [name = ''] = readdirSync(join(base, 'records'));
      await records().insert(whole);
      writeFileSync(join(base, 'records', name), text);
      expect(await records().objectsOf([broken.objectKey, whole.objectKey])).toEqual(
        new Set([whole.objectKey]),
      );
      expect(told).toEqual([expect.stringContaining('cannot be read')]);
      writeFileSync(join(base, 'records', name), text);
      expect(await records().insert(broken)).toBe(true);
      expect(await records().find(broken.id)).toEqual(broken);
    },
  );
});

describe('LocalCaches', () => {
  const caches = (): LocalCaches => new LocalCaches(base, 1_000_000, report);
  const origin = {
    ...{ pipelineId: 'p1', executionId: 'e1' },
    scopes: { own: 'trusted', read: ['trusted'] },
  };
  const save = (one: LocalCaches, key: string) => {
    const tree = { root: join(base, 'tree'), globs: ['f'], scratch: join(base, 'tree') };
    return one.store.save(origin, key, tree, NEVER);
  };

  beforeEach(() => {
    mkdirSync(join(base, 'tree'));
    writeFileSync(join(base, 'tree/f'), 'x');
  });

  it('keep what parallel steps save at once', async () => {
    const one = caches();
    const keys = Array.from({ length: 20 }, (_item, n) => `k${n}`);
    const saved = await Promise.all(keys.map((key) => save(one, key)));
    expect(new Set(saved.map(({ kind }) => kind))).toEqual(new Set(['saved']));
    for (const key of keys) {
      const wanted = { globs: ['f'], key, restoreKeys: [] };
      expect(await caches().store.find(origin, wanted)).toMatchObject({ isExact: true });
    }
    expect(told).toEqual([]);
  });

  it('make nothing before something is saved', async () => {
    await caches().sweep(30);
    expect(readdirSync(base)).toEqual(['tree']);
  });

  it('are swept of what killed runs have left half made', async () => {
    await save(caches(), 'k');
    const left = [join(base, 'archives/unfinished/x'), join(base, 'records/x.json.1.abcd')];
    const old = new Date(Date.now() - 2 * 86_400_000);
    for (const path of left) {
      writeFileSync(path, 'x');
      utimesSync(path, old, old);
    }
    writeFileSync(join(base, 'records/y.json.1.abcd'), 'just being written');
    await caches().sweep(30);
    expect(readdirSync(join(base, 'archives/unfinished'))).toEqual([]);
    const names = readdirSync(join(base, 'records')).filter((name) => !name.endsWith('.json'));
    expect(names).toEqual(['y.json.1.abcd']);
    expect(told).toEqual([]);
  });

  it('say that they cannot be swept, and fail no run', async () => {
    writeFileSync(join(base, 'records'), 'no folder');
    await caches().sweep(30);
    expect(told).toEqual([expect.stringMatching(/^old caches are not removed: .*ENOTDIR/)]);
  });
});
