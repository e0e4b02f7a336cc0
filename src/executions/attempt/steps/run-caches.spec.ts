import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { standIn } from '../../../../test/support/stand-in.js';
import { madeTar, type MadeEntry } from '../../../common/archive/archive.fixture.js';
import type { CachePlan, CacheWhen } from '../../../engine/plan/caches-plan.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import { diskObjectStore } from '../../../integrations/object-store/disk/disk-object-store.js';
import { parseObjectKey } from '../../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../../integrations/object-store/object-store.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import { CacheStore } from '../../caches/cache-store.js';
import { MemoryCaches } from '../../caches/memory-caches.fixture.js';
import { RunCaches } from './run-caches.js';

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

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-run-caches-'));
    mkdirSync(join(root, 'directory/kept'), { recursive: true });
    writeFileSync(join(root, 'directory/kept/f'), 'saved');
    records = new MemoryCaches();
    objects = diskObjectStore(join(root, 'objects'));
    told = [];
    merged = [];
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function caches(): RunCaches {
    const directory = join(root, 'directory');
    const workspace = { root, directory, home: '', temporary: '', owner: undefined };
    const workspaces = standIn<WorkspaceStore>({
      stage: () => mkdtemp(join(root, 'staged-')),
      merge: async (_workspace, staged) => void merged.push(staged),
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
  /** Puts another archive in the place of the one that was saved. */
  const exchange = async (archive: Buffer): Promise<void> => {
    const [cache] = [...records.all.values()];
    const key = parseObjectKey(cache?.objectKey ?? '');
    if (key === undefined) throw new Error('nothing was saved');
    await objects.put(key, Readable.from([archive]));
  };

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
    const { open } = await restore();
    expect(open).toMatchObject([{ isHit: true }]);
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
    const { open } = await restore();
    expect(open).toMatchObject([{ isHit: false }]);
    expect(merged).toEqual([]);
    expect(records.all.size).toBe(0);
    expect(told.at(-1)).toBe('cache kept: miss: there is no k');
    expect(existsSync(join(root, 'outside'))).toBe(false);
  });

  it('drops an archive that is cut off', async () => {
    await save('success', 'success');
    const whole = await madeTar([{ name: 'kept/f', content: 'x'.repeat(5_000) }]);
    await exchange(whole.subarray(0, 2_000));
    expect((await restore()).open).toMatchObject([{ isHit: false }]);
    expect([merged, records.all.size]).toEqual([[], 0]);
  });
});
