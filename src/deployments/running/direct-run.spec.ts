import { standIn } from '../../../test/support/stand-in.js';
import type {
  ContainerRuntime,
  ImageResult,
} from '../../integrations/container-runtime/container-runtime.js';
import { EngineAwayError } from '../../integrations/container-runtime/container-runtime.js';
import type { ContainerSettings, Deployment } from '../record/deployment.js';
import { notBegun } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { DeploymentGate, GateView } from './approval-gate.js';
import type { DirectFiles } from './direct-files.js';
import { DirectImages } from './direct-images.js';
import { DirectSources } from './direct-sources.js';
import { Files, Killed, MemoryTarget } from './memory-target.fixture.js';

const SETTINGS: ContainerSettings = {
  ...{ type: 'docker_container', service_id: 'default/shop', keep: 2, image: 'shop:1' },
  ...{ image_id: '', port: 0, variables: 'v', published: { address: '127.0.0.1' }, drain: 0 },
  ...{ gate: { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 }, limits: {} },
};

describe('a direct deployment', () => {
  let store: MemoryDeploymentStore;
  let target: MemoryTarget;
  let found: ImageResult;
  let asked: string[];
  let kept: string[];
  let view: GateView;
  const open: GateView = { kind: 'open' };

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    target = new MemoryTarget();
    asked = [];
    kept = [];
    view = open;
    target.keepWaiting = (id) => {
      kept.push(id);
      return Promise.resolve(true);
    };
    found = image('sha256:one', [3000]);
  });

  const image = (id: string, ports: number[]): ImageResult => ({
    ...{ kind: 'image', pulled: false },
    image: {
      ...{ id, digest: id, ports, user: '', environment: {}, hasProgram: true },
      platform: 'linux/amd64',
    },
  });
  const runtime = standIn<ContainerRuntime>({
    provide: ({ reference, login }) => {
      asked.push(`${reference}${login === undefined ? '' : ' with a log-in'}`);
      return Promise.resolve(found);
    },
    sweep: () => Promise.resolve(0),
  });
  const accept = (more: Partial<Deployment> = {}): Promise<Deployment> => {
    const service = { _id: 'default/shop', name: 'shop', environment: 'default', host: 'h' };
    return store.accept(
      {
        ...{ _id: 'd', request_key: 'd', kind: 'deploy', service_id: 'default/shop' },
        ...{ service: 'shop', environment: 'default', type: 'docker_container', host: 'h' },
        ...{ settings: SETTINGS, worker_id: null, fence: 0, release_id: null, triggered_by: 'ada' },
        ...{ execution_id: null, pipeline_id: null, pipeline_name: null, stage: null, step: null },
        ...{ commit: null, branch: null, direct: { image: {}, may_be_older: false } },
        ...{ ...notBegun(new Date(0)), ...more },
      },
      {
        ...{ ...service, id: 's', service_type: 'docker_container', place: 'nowhere' },
        ...{ status: 'starting', release_id: null, deployment_id: null },
        ...{ created_at: new Date(0), updated_at: new Date(0) },
      },
    );
  };
  const runOf = async (
    { direct, ...deployment }: Deployment,
    options: { signal?: AbortSignal; registries?: string[] } = {},
  ): Promise<Deployment> => {
    if (direct === undefined) throw new Error('it is direct');
    const { signal = new AbortController().signal, registries } = options;
    const gate = standIn<DeploymentGate>({ look: () => Promise.resolve(view) });
    const images = new DirectImages(runtime, registries);
    const sources = new DirectSources(images, standIn<DirectFiles>({ of: () => new Files('x') }));
    const tools = { store, host: 'h', targetOf: () => target, gate, gatePollMs: 1 };
    // The memory of releases takes what is packed for what is placed.
    target.prepare = ({ number }) => {
      target.placed.set(number, 'one');
      target.fails.get('prepare')?.();
      return Promise.resolve({ digest: 'sha256:one', files: 0, bytes: 1, warnings: [] });
    };
    return sources.runOf({ ...deployment, direct }, direct, tools, { signal }).run();
  };
  const take = async (worker: string): Promise<Deployment> => {
    const taken = await store.take((await store.find('d')) ?? raise(), worker);
    return taken ?? raise();
  };
  const raise = (): never => {
    throw new Error('it was lost');
  };

  it('finds its image, keeps it, and has it served', async () => {
    await accept();
    const done = await runOf(await take('w'));
    expect(done).toMatchObject({ status: 'success', reason: { code: 'release_serves' } });
    expect(done.settings).toMatchObject({ image_id: 'sha256:one', port: 3000 });
    expect([asked, kept]).toEqual([['docker.io/library/shop:1'], ['d']]);
    const [release] = store.releases.values();
    expect(release).toMatchObject({ settings: { image_id: 'sha256:one' }, execution_id: null });
  });

  it('is what people were asked about, whichever worker does it, wherever the tag leads', async () => {
    await accept();
    view = { kind: 'closed', reason: { code: 'approval_needed', message: 'one of ops' } };
    const leaves = new AbortController();
    const first = runOf(await take('w1'), { signal: leaves.signal });
    while ((await store.find('d'))?.gate !== 'closed') await Promise.resolve();
    leaves.abort({ kind: 'interrupt' });
    expect(await first).toMatchObject({ status: 'waiting', gate: 'closed' });
    found = image('sha256:two', [3000]);
    view = open;
    const done = await runOf(await take('w2'));
    expect(done).toMatchObject({ status: 'success', settings: { image_id: 'sha256:one' } });
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['is no such image', (): ImageResult => refusedWith('image_missing'), 'image_missing'],
    ['cannot be pulled', (): ImageResult => refusedWith('pull_failed'), 'pull_failed'],
    ['exposes two ports', (): ImageResult => image('sha256:one', [1, 2]), 'port_unknown'],
  ])('fails where it %s, and asks nobody', async (_what, result, code) => {
    found = result();
    view = { kind: 'closed', reason: { code: 'approval_needed', message: 'one of ops' } };
    await accept();
    expect(await runOf(await take('w'))).toMatchObject({ status: 'failed', reason: { code } });
    expect(store.releases.size).toBe(0);
  });

  it('fails where the engine is away, or the registry is not allowed', async () => {
    await accept();
    const away = new EngineAwayError('gone');
    const provide = jest.spyOn(runtime, 'provide').mockRejectedValueOnce(away);
    expect(await runOf(await take('w'))).toMatchObject({ reason: { code: 'engine_away' } });
    provide.mockRestore();
    store = new MemoryDeploymentStore();
    await accept();
    const only = { registries: ['registry.example'] };
    expect(await runOf(await take('w'), only)).toMatchObject({
      reason: { code: 'registry_refused' },
    });
  });

  it.each([
    ['before it is prepared', 'prepare', 'failed', 'worker_lost', undefined],
    ['behind the switch', 'switched', 'success', 'release_serves', 1],
  ])(
    'is settled by the next worker where its own is killed %s',
    async (_w, at, status, code, current) => {
      await accept();
      target.fails.set(at, () => {
        throw new Killed();
      });
      await expect(runOf(await take('w1'))).rejects.toThrow('killed');
      target.fails.clear();
      expect(await runOf(await take('w2'))).toMatchObject({ status, reason: { code } });
      expect(target.current).toBe(current);
    },
  );

  it('is begun by the next worker where its own is killed before it has begun', async () => {
    await accept();
    await take('w1');
    expect(await runOf(await take('w2'))).toMatchObject({ status: 'success' });
  });

  it('is cancelled while its image is looked for', async () => {
    await accept();
    await store.requestCancel('d', 'ada');
    expect(await runOf(await take('w'))).toMatchObject({ status: 'cancelled' });
    expect(asked).toEqual([]);
  });
});

function refusedWith(code: 'image_missing' | 'pull_failed'): ImageResult {
  return { kind: 'refused', refusal: { code, message: 'no' } };
}
