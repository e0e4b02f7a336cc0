import { uuidV7 } from '../../common/ids/uuid.js';
import type { PortLease } from '../../ports/port-lease.js';
import type { Deployment, Release, TargetSettings } from '../record/deployment.js';
import type { NewDeployment, NewService } from '../record/deployment-store.js';
import { notBegun } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import { DeploymentFencedError } from './recorded-run.js';
import { MemoryTarget } from './memory-target.fixture.js';
import { RemovalRun } from './removal-run.js';

const SERVICE = 'default/shop';
const SETTINGS: TargetSettings = {
  ...{ type: 'local_directory', path: '/srv/shop', keep: 5 },
  ...{ exclude: [], shared: [], permissions: {} },
};

describe('RemovalRun', () => {
  let store: MemoryDeploymentStore;
  let target: MemoryTarget;
  let forgotten: string[];

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    target = new MemoryTarget();
    forgotten = [];
  });

  const service: NewService = {
    ...{ _id: SERVICE, id: 's', name: 'shop', environment: 'default', host: 'h' },
    ...{ service_type: 'local_directory', place: 'h:/srv/shop', status: 'running' },
    ...{ release_id: 'r2', deployment_id: 'd2' },
    ...{ created_at: new Date(0), updated_at: new Date(0) },
  };
  const accept = (): Promise<Deployment> => {
    for (const [number, status] of [
      [1, 'kept'],
      [2, 'serving'],
      [3, 'failed'],
    ] as const) {
      const release = { _id: `r${number}`, service_id: SERVICE, number, status };
      store.releases.set(release._id, { ...release, settings: SETTINGS } as Release);
      target.placed.set(number, 'text');
    }
    target.placed.delete(3);
    target.current = 2;
    const _id = uuidV7();
    const asked: NewDeployment = {
      ...{ _id, request_key: _id, kind: 'remove', service_id: SERVICE, service: 'shop' },
      ...{ environment: 'default', type: 'local_directory', settings: SETTINGS, host: 'h' },
      ...{ worker_id: 'w', fence: 1, release_id: null, execution_id: null, pipeline_id: null },
      ...{ pipeline_name: null, stage: null, step: null, commit: null, branch: null },
      ...{ triggered_by: 'ada', ...notBegun(new Date(0)) },
    };
    return store.accept(asked, service);
  };
  const runOf = (deployment: Deployment): Promise<Deployment> =>
    new RemovalRun(
      deployment,
      {
        ...{ store, host: 'h', targetOf: () => target },
        ports: { list: () => Promise.resolve([{ port: 8080 } as PortLease]) },
        forget: (id) => Promise.resolve(void forgotten.push(id)),
      },
      { signal: new AbortController().signal },
    ).run();
  const recover = async ({ _id }: Deployment): Promise<Deployment> => {
    const seen = await store.find(_id);
    const taken = seen && (await store.take(seen, 'w2'));
    if (!taken) throw new Error('nobody can take it');
    return runOf(taken);
  };
  const expectGone = async (): Promise<void> => {
    expect([target.current, [...target.placed.keys()]]).toEqual([undefined, []]);
    expect([...store.releases.values()].map(({ status }) => status)).toEqual([
      ...['removed', 'removed', 'failed'],
    ]);
    expect(await store.service(SERVICE)).toMatchObject({
      ...{ active: null, release_id: null, status: 'removed', place: `nowhere ${SERVICE}` },
    });
    expect(forgotten).toEqual([SERVICE]);
  };

  it('takes a service out of service, with its releases and its place', async () => {
    const ended = await runOf(await accept());
    expect(ended).toMatchObject({
      ...{ status: 'success', reason: { code: 'service_removed' } },
      logs: expect.arrayContaining([
        'removed are the releases 1, 2',
        'removed are the folders /srv/shop/releases/1, /srv/shop/releases/2, /srv/shop/current',
        'given back are the ports 8080',
      ]) as string[],
    });
    await expectGone();
  });

  it.each(['withdraw', 'remove', 'forget'])(
    'is finished by another worker where the one before was lost at %s',
    async (what) => {
      const accepted = await accept();
      target.fails.set(what, () => {
        throw new DeploymentFencedError('killed');
      });
      await expect(runOf(accepted)).rejects.toThrow(DeploymentFencedError);
      target.fails.clear();
      expect((await recover(accepted)).status).toBe('success');
      await expectGone();
    },
  );

  it('waits for what is away, and says what cannot be removed', async () => {
    const accepted = await accept();
    target.fails.set('remove', () => {
      throw new TargetAwayError({ code: 'engine_away', message: 'away' });
    });
    await expect(runOf(accepted)).rejects.toThrow(TargetAwayError);
    expect((await store.find(accepted._id))?.status).toBe('running');
    target.fails.set('remove', () => {
      throw new Error('the disk is read-only');
    });
    expect(await recover(accepted)).toMatchObject({
      ...{ status: 'failed', reason: { code: 'removal_failed' } },
    });
    // Nothing of it serves; who removes it once more removes the rest.
    expect(await store.service(SERVICE)).toMatchObject({ status: 'stopped', active: null });
  });

  it('is cancelled before anything is done', async () => {
    const accepted = await accept();
    await store.requestCancel(accepted._id, 'ada');
    expect((await runOf(accepted)).status).toBe('cancelled');
    expect(target.current).toBe(2);
    const late = await accept();
    const enter = store.enterSwitch.bind(store);
    store.enterSwitch = async (hold, change) => {
      await store.requestCancel(late._id, 'ada');
      return enter(hold, change);
    };
    expect((await runOf(late)).status).toBe('cancelled');
    expect(target.current).toBe(2);
  });
});
