import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { standIn } from '../../../../test/support/stand-in.js';
import { madeTar, type MadeEntry } from '../../../common/archive/archive.fixture.js';
import type { CachePlan, CacheWhen } from '../../../engine/plan/caches-plan.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import { diskObjectStore } from '../../../integrations/object-store/disk/disk-object-store.js';
import { type ObjectKey, parseObjectKey } from '../../../integrations/object-store/object-key.js';
import {
  type ObjectStore,
  ObjectStoreError,
} from '../../../integrations/object-store/object-store.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import { FolderError, type WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { Cache } from '../../caches/cache.js';
import { CacheStore } from '../../caches/cache-store.js';
import { MemoryCaches } from '../../caches/memory-caches.fixture.js';
import { type RestoredCaches, RunCaches } from './run-caches.js';

const attempt = {
  address: { stage: 's', step: 'x', attempt: 1 },
  action: { kind: 'shell' },
  environment: {},
} as unknown as StepAttempt;
const NEVER = new AbortController().signal;
const plan = (when: CacheWhen = 'success'): CachePlan => ({
  ...{ paths: ['kept'], key: { text: 'k' }, restoreKeys: [], when },
});

describe('RunCaches', () => {
  let root: string;
  let records: MemoryCaches;
  let objects: ObjectStore;
  let told: string[];
  let merged: string[];
  let isFull: boolean;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-run-caches-'));
    mkdirSync(join(root, 'directory/kept'), { recursive: true });
    writeFileSync(join(root, 'directory/kept/f'), 'saved');
    records = new MemoryCaches();
    objects = diskObjectStore(join(root, 'objects'));
    told = [];
    merged = [];
    isFull = false;
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function caches(): RunCaches {
    const directory = join(root, 'directory');
    const workspace = { root, directory, home: '', temporary: '', owner: undefined };
    const workspaces = standIn<WorkspaceStore>({
      stage: () => mkdtemp(join(root, 'staged-')),
      merge: async (_workspace, staged) => {
        if (isFull) throw new FolderError('files cannot be brought: no space left');
        const moved = join(root, `moved-${merged.length}`);
        await rename(staged, moved);
        merged.push(moved);
      },
      discard: (staged) => rm(staged, { recursive: true, force: true }),
    });
    const trigger = { trigger_type: 'manual', fork: false } as never;
    return new RunCaches(
      new CacheStore(objects, records, 100_000),
      workspaces,
      { executionId: 'e', pipelineId: 'p', trigger },
      workspace,
      new WorkspaceOwnership(workspace, undefined),
      { systemLine: (_address, line) => void told.push(line) },
    );
  }
  const save = async (when: CacheWhen, ended: 'success' | 'failure', signal = NEVER) => {
    const of = caches();
    await of.save(attempt, await of.restore(attempt, [plan(when)], NEVER), ended, signal);
    return records.all.size;
  };
  const restore = () => caches().restore(attempt, [plan()], NEVER);
  const savedOne = (): { readonly cache: Cache; readonly key: ObjectKey } => {
    const [cache] = [...records.all.values()];
    const key = parseObjectKey(cache?.objectKey ?? '');
    if (!cache || key === undefined) throw new Error('nothing was saved');
    return { cache, key };
  };
  /** As if another archive had been saved. */
  const exchange = async (archive: Buffer): Promise<void> => {
    const { cache, key } = savedOne();
    const { digest } = await objects.put(key, Readable.from([archive]));
    records.all.set(cache.id, { ...cache, digest });
  };
  const code = ({ open }: RestoredCaches) => open.map(({ restored }) => restored.code);
  const pack = (text: string) => madeTar([{ name: 'kept/f', content: text }]);

  it.each([
    ['success', 'success', 1],
    ['success', 'failure', 0],
    ['failure', 'failure', 1],
    ['failure', 'success', 0],
    ['always', 'failure', 1],
    ['always', 'success', 1],
  ] as const)('when: %s, after a %s: %d saved', async (when, ended, count) => {
    expect(await save(when, ended)).toBe(count);
  });

  it('saves nothing of a step that was stopped', async () => {
    expect(await save('always', 'failure', AbortSignal.abort(new Error('stopped')))).toBe(0);
  });

  it('moves into the workspace what was unpacked beside it', async () => {
    await save('success', 'success');
    expect(code(await restore())).toEqual(['cache_hit']);
    expect(readFileSync(join(merged[0] ?? '', 'kept/f'), 'utf8')).toBe('saved');
    expect(told.at(-1)).toMatch(/^cache kept: hit: k, /);
  });

  const bomb = 'x'.repeat(100_001);
  it.each<[string, readonly MadeEntry[]]>([
    ['leads out by a name', [{ name: 'kept/../../outside', content: 'x' }]],
    ['has an absolute name', [{ name: '/tmp/outside', content: 'x' }]],
    ['has a link that leads out', [{ name: 'kept/l', type: 'symlink', linkname: '/etc' }]],
    ['has a device', [{ name: 'kept/d', type: 'character-device' }]],
    ['holds more than may be saved', [{ name: 'kept/bomb', content: bomb }]],
  ])('drops an archive that %s, and is a miss', async (_what, entries) => {
    await save('success', 'success');
    await exchange(await madeTar([{ name: 'kept/first', content: 'first' }, ...entries]));
    expect(code(await restore())).toEqual(['cache_miss']);
    expect(merged).toEqual([]);
    expect(records.all.size).toBe(0);
    expect(told.at(-1)).toContain('cache kept: miss: the archive of k was broken and is removed: ');
    expect(told.at(-1)).not.toContain('not what was saved');
    expect(existsSync(join(root, 'outside'))).toBe(false);
  });

  it('drops an archive that is cut off', async () => {
    await save('success', 'success');
    await exchange((await pack('x'.repeat(5_000))).subarray(0, 2_000));
    expect(code(await restore())).toEqual(['cache_miss']);
    expect([merged, records.all.size]).toEqual([[], 0]);
  });

  it.each<[string, (key: ObjectKey) => Promise<unknown>]>([
    ['that lost its end', (key) => cut(key)],
    ['of other bytes', async (key) => objects.put(key, Readable.from([await pack('other')]))],
  ])('drops what the store holds %s, and saves its key again', async (_what, damage) => {
    await save('success', 'success');
    await damage(savedOne().key);
    expect(code(await restore())).toEqual(['cache_miss']);
    expect([merged, records.all.size]).toEqual([[], 0]);
    expect(await save('success', 'success')).toBe(1);
    expect(code(await restore())).toEqual(['cache_hit']);
  });

  it('keeps the record of an archive that only cannot be reached', async () => {
    await save('success', 'success');
    const away = new ObjectStoreError('unreachable', 'the store is away');
    jest.spyOn(objects, 'get').mockRejectedValueOnce(away);
    expect(code(await restore())).toEqual(['cache_miss']);
    expect(told.at(-1)).toBe('cache kept: miss: the store is away');
    expect(code(await restore())).toEqual(['cache_hit']);
  });

  it('is not mixed up with a cache of other paths under the same key', async () => {
    await save('success', 'success');
    const other = { ...plan(), paths: ['elsewhere'], restoreKeys: ['k'] };
    const restored = await caches().restore(attempt, [other], NEVER);
    expect(code(restored)).toEqual(['cache_miss']);
    expect(told.at(-1)).toBe('cache elsewhere: miss: there is no k');
  });

  it('says what is saved already, whoever has saved it', async () => {
    const of = caches();
    const missed = await of.restore(attempt, [plan()], NEVER);
    await of.save(attempt, missed, 'success', NEVER);
    await of.save(attempt, missed, 'success', NEVER);
    expect(told.at(-1)).toBe('cache kept: not saved: k is saved already');
  });

  it('fails no step where the workspace takes no file, and says that some may be there', async () => {
    await save('success', 'success');
    isFull = true;
    expect(code(await restore())).toEqual(['cache_miss']);
    expect(told.at(-1)).toMatch(/miss: .*no space left; some files of it may be there$/);
    expect(records.all.size).toBe(1);
  });

  it('leaves nothing of what it unpacked beside the workspace', async () => {
    await save('success', 'success');
    await exchange(Buffer.from('broken'));
    await restore();
    expect(readdirSync(root).filter((name) => name.startsWith('staged-'))).toEqual([]);
  });

  it('fails no step for a key whose files cannot be read, and stops with the step', async () => {
    const byFiles: CachePlan = {
      ...{ paths: ['kept'], key: { files: ['lock'] }, restoreKeys: [], when: 'success' },
    };
    writeFileSync(join(root, 'directory/lock'), 'x');
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(caches().restore(attempt, [byFiles], stopped)).rejects.toThrow('stopped');
    rmSync(join(root, 'directory'), { recursive: true });
    expect(code(await caches().restore(attempt, [byFiles], NEVER))).toEqual(['cache_no_key']);
    expect(told.at(-1)).toMatch(/^cache kept: neither restored nor saved: .*ENOENT/);
  });

  /** Takes the last bytes of the body of an object. */
  async function cut(key: ObjectKey): Promise<void> {
    const { size } = await objects.stat(key);
    const folder = join(root, 'objects');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const body = files
      .map((name) => join(folder, name))
      .find((path) => {
        const stats = statSync(path);
        return stats.isFile() && stats.size === size;
      });
    truncateSync(body ?? '', size - 100);
  }
});
