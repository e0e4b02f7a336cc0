import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { standIn } from '../../../../test/support/stand-in.js';
import { madeTar, type MadeEntry } from '../../../common/archive/archive.fixture.js';
import type { ArtifactsSource } from '../../../engine/plan/artifacts-plan.js';
import { diskObjectStore } from '../../../integrations/object-store/disk/disk-object-store.js';
import { objectKey } from '../../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../../integrations/object-store/object-store.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import { artifact } from '../../artifacts/artifact.fixture.js';
import type { ArtifactSources } from '../../artifacts/artifact-sources.js';
import { NoUpstreamError } from '../../artifacts/no-upstream.error.js';
import { BroughtArtifacts } from './brought-artifacts.js';

const ADDRESS = { stage: 's', step: 'x', attempt: 1 };
const KEYS = ['one', 'two'].map((name) => objectKey('artifacts', name));
const OF_LIB: ArtifactsSource = { pipeline: 'lib', branch: 'main' };

describe('BroughtArtifacts', () => {
  let root: string;
  let objects: ObjectStore;
  let merged: string[];
  let asked: string[];
  let told: string[];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-brought-'));
    objects = diskObjectStore(join(root, 'objects'));
    merged = [];
    asked = [];
    told = [];
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const bring = (sources: readonly ArtifactsSource[], fork = false): Promise<void> => {
    const directory = join(root, 'directory');
    const workspace = { root, directory, home: '', temporary: '', owner: undefined };
    const tools = {
      objects,
      sources: standIn<ArtifactSources>({
        ofExecution: async (id) => {
          asked.push(id);
          return KEYS.map((key, index) => artifact({ step: `step-${index}`, objectKey: key }));
        },
        lastSuccess: async (pipeline, branch) => ({
          executionId: `last of ${pipeline} on ${branch}`,
          shown: 'lib#7',
        }),
      }),
      workspaces: standIn<WorkspaceStore>({
        stage: () => mkdtemp(join(root, 'staged-')),
        merge: async (_workspace, staged) => {
          merged.push(readFileSync(join(staged, 'f'), 'utf8'));
        },
        discard: (staged) => rm(staged, { recursive: true }),
      }),
    };
    return new BroughtArtifacts(
      tools,
      { executionId: 'own', trigger: { trigger_type: 'manual', fork } as never },
      workspace,
      new WorkspaceOwnership(workspace, undefined),
      { systemLine: (_address, line) => void told.push(line) },
    ).bring(ADDRESS, sources, new AbortController().signal);
  };
  const store = async (index: number, entries: readonly MadeEntry[]): Promise<void> => {
    const key = KEYS[index];
    if (key) await objects.put(key, Readable.from([await madeTar(entries)]));
  };

  it('brings those of the execution, and tells of another pipeline which one it took', async () => {
    for (const index of [0, 1]) await store(index, [{ name: 'f', content: `of ${index}` }]);
    await bring([{ stage: 'build' }]);
    expect(merged).toEqual(['of 0', 'of 1']);
    await bring([OF_LIB]);
    expect(asked).toEqual(['own', 'last of lib on main']);
    expect(told.at(-1)).toBe('artifacts: brings build/step-1, attempt 1 of lib#7');
  });

  it('gives a pull request of another repository nothing of other pipelines', async () => {
    await expect(bring([OF_LIB], true)).rejects.toThrow(NoUpstreamError);
    expect(asked).toEqual([]);
    for (const index of [0, 1]) await store(index, [{ name: 'f', content: 'x' }]);
    await bring([{ stage: 'build' }], true);
    expect(asked).toEqual(['own']);
  });

  it.each<[string, MadeEntry]>([
    ['leads out by a name', { name: '../../outside', content: 'x' }],
    ['has an absolute name', { name: '/tmp/outside', content: 'x' }],
    ['has a link that leads out', { name: 'l', type: 'symlink', linkname: '../../x' }],
    ['holds more than its records say', { name: 'g', content: 'x'.repeat(8) }],
    ['has a device', { name: 'd', type: 'block-device' }],
  ])('brings nothing at all when one archive %s', async (_what, entry) => {
    await store(0, [{ name: 'f', content: 'x' }]);
    await store(1, [entry]);
    await expect(bring([{ stage: 'build' }])).rejects.toMatchObject({ name: 'ArchiveError' });
    expect(merged).toEqual([]);
    expect(readdirSync(root)).toEqual(['objects']);
    expect(existsSync(join(root, 'outside'))).toBe(false);
  });
});
