import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ArtifactKeeper } from '../../executions/artifacts/artifact-keeper.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import type { PackRequest } from '../../executions/attempt/steps/deployer.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { Deployment, DirectArtifact } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { RELEASE_LIMITS } from '../targets/release-limits.js';
import { DirectFiles } from './direct-files.js';

const NEVER = new AbortController().signal;
const ORIGIN = {
  ...{ executionId: 'e1', pipelineId: 'p1', stage: 'build', step: 'pack' },
  ...{ executionAttempt: 1, attempt: 1 },
};

describe('DirectFiles', () => {
  let base: string;
  let records: Artifact[];
  let store: MemoryDeploymentStore;
  let files: DirectFiles;

  beforeEach(async () => {
    base = mkdtempSync(join(tmpdir(), 'mr-direct-'));
    for (const name of ['work', 'work/dist', 'scratch']) mkdirSync(join(base, name));
    writeFileSync(join(base, 'work/dist/app.js'), 'hello');
    writeFileSync(join(base, 'work/README'), 'read me');
    symlinkSync('dist', join(base, 'work/out'));
    records = [];
    store = new MemoryDeploymentStore();
    const objects = diskObjectStore(join(base, 'objects'));
    const sink = {
      insert: async (artifacts: readonly Artifact[]) => void records.push(...artifacts),
      bytesOf: async () => 0,
    };
    const tree = { root: join(base, 'work'), scratch: join(base, 'scratch') };
    const plan = { paths: ['dist', 'README', 'out'], when: 'success' } as const;
    await new ArtifactKeeper(objects, sink, 1e6).keep(ORIGIN, plan, tree, NEVER);
    const artifacts = { ofExecution: () => Promise.resolve(records) };
    files = new DirectFiles(artifacts, objects, store, join(base, 'direct'));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const left = (): string[] => readdirSync(join(base, 'direct'));
  const pack = async (source: string, more: Partial<PackRequest> = {}): Promise<string[]> => {
    const [{ objectKey }] = records as [Artifact];
    const artifact: DirectArtifact = {
      ...{ execution_id: 'e1', dated_by: 'e1', shown: 'build/pack, attempt 1' },
      ...{ object_key: objectKey, source },
    };
    const paths: string[] = [];
    const request: PackRequest = {
      ...{ exclude: [], limits: RELEASE_LIMITS, onFile: ({ path }) => paths.push(path), ...more },
    };
    await files.of('d1', artifact).packed(request, NEVER, ({ stream }) => text(stream));
    return paths;
  };
  const refusal = (source: string): Promise<unknown> =>
    pack(source).then(String, ({ reason }: { reason: { code: string } }) => reason.code);

  it('are those of the artifact, or of a folder of it, and nothing stays', async () => {
    expect((await pack('.')).sort()).toEqual(['README', 'dist/app.js']);
    expect(await pack('dist')).toEqual(['app.js']);
    expect(await pack('./out/')).toEqual(['app.js']);
    expect(await pack('.', { exclude: ['dist'] })).toEqual(['README']);
    expect(left()).toEqual([]);
  });

  it.each([
    ['nowhere', 'source_missing'],
    ['../work', 'source_missing'],
    ['README', 'source_missing'],
  ])('leads to no %s', async (source, code) => {
    expect(await refusal(source)).toBe(code);
    expect(left()).toEqual([]);
  });

  it('are none where a file is not what its record says, or the artifact is gone', async () => {
    records = records.map((one) => ({ ...one, digest: 'ab'.repeat(32) }));
    expect(await refusal('dist')).toBe('artifact_changed');
    rmSync(join(base, 'objects'), { recursive: true });
    expect(await refusal('dist')).toBe('artifact_gone');
    expect(left()).toEqual([]);
  });

  it('removes what a killed process has left, and nothing that is being done', async () => {
    for (const id of ['over', 'unknown', 'running']) {
      mkdirSync(join(base, 'direct', id, 'files'), { recursive: true });
    }
    store.deployments.set('over', { _id: 'over', status: 'failed' } as Deployment);
    store.deployments.set('running', { _id: 'running', status: 'running' } as Deployment);
    await pack('dist');
    expect(left()).toEqual(['running']);
  });
});
