import type { Deployment, Release, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { ReleaseLook } from '../targets/deploy-target.js';
import { ReleaseWatch } from './release-watch.js';

const NOW = 1_000_000;
const WELL: ReleaseLook = { hasEnded: false, restarts: 0 };
const ILL: ReleaseLook = { ...WELL, problem: 'GET / answers 500' };

describe('ReleaseWatch', () => {
  let store: MemoryDeploymentStore;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    const settings = { type: 'local_service', service_id: 'default/shop' };
    for (const [number, status] of [
      [1, 'kept'],
      [2, 'serving'],
    ] as const) {
      store.releases.set(`r${number}`, {
        ...{ _id: `r${number}`, service_id: 'default/shop', number, status, settings },
        ...{ deployment_id: `d${number}`, served_at: new Date(NOW - 12_000) },
        watch_until: new Date(NOW + 60_000),
      } as Release);
    }
    store.deployments.set('d2', {
      ...{ _id: 'd2', request_key: 'd2', previous_release_id: 'r1', status: 'success' },
    } as Deployment);
    store.serviceRecords.set('default/shop', {
      ...{ _id: 'default/shop', environment: 'default', name: 'shop', release_id: 'r2', turns: 2 },
    } as Service);
  });

  const watch = async (looks: readonly ReleaseLook[], now = NOW): Promise<void> => {
    const left = [...looks];
    const probe = (): Promise<ReleaseLook> => Promise.resolve(left.shift() ?? WELL);
    const one = new ReleaseWatch(store, { probe });
    while (left.length > 0) {
      const [release, service] = [
        store.releases.get('r2'),
        store.serviceRecords.get('default/shop'),
      ];
      if (release === undefined || service === undefined) throw new Error('they are there');
      const before = left.length;
      await one.look(release, service, now);
      if (left.length === before) return;
    }
  };
  const rollbacks = (): readonly Deployment[] =>
    [...store.deployments.values()].filter(({ kind }) => kind === 'rollback');

  it('goes back once when a release fails three times in a row, and says why', async () => {
    await watch([ILL, ILL, WELL, ILL, ILL, WELL]);
    expect(rollbacks()).toEqual([]);
    await watch([ILL, ILL, ILL]);
    expect(rollbacks()).toMatchObject([
      {
        ...{ release_id: 'r1', triggered_by: 'system', status: 'pending' },
        watched: { service_id: 'default/shop', release_id: 'r2' },
        warnings: [
          {
            code: 'watch_failed',
            message: 'release 2 failed 12 s after its switch: GET / answers 500',
          },
        ],
      },
    ]);
    expect(store.releases.get('r2')?.watch_until).toBeNull();
    // A worker that was killed right before it could note that.
    await store.changeRelease('r2', { watch_until: new Date(NOW + 1) });
    await watch([ILL, ILL, ILL]);
    expect(rollbacks()).toHaveLength(1);
  });

  it('lets all of a unit go back, once that serves what it watches', async () => {
    const unit = 'default/all';
    await store.changeRelease('r1', { watch_until: null });
    const shop = store.serviceRecords.get('default/shop');
    if (shop) store.serviceRecords.set('default/shop', { ...shop, unit });
    store.serviceRecords.set(unit, {
      ...{
        _id: unit,
        environment: 'default',
        name: 'all',
        place: 'unit',
        release_id: 'u1',
        turns: 2,
      },
    } as Service);
    for (const [number, status] of [
      [1, 'kept'],
      [2, 'serving'],
    ] as const) {
      store.releases.set(`u${number}`, {
        ...{ _id: `u${number}`, service_id: unit, number, status, deployment_id: `ud${number}` },
        ...{ type: 'hybrid', settings: { type: 'hybrid', keep: 2, parts: [] } },
        parts: [{ service_id: 'default/shop', release_id: `r${number}` }],
      } as unknown as Release);
    }
    store.deployments.set('ud2', {
      ...{ _id: 'ud2', request_key: 'ud2', previous_release_id: 'u1', status: 'success' },
    } as Deployment);
    await watch([ILL, ILL, ILL]);
    expect(rollbacks()).toEqual([]);
    const all = store.serviceRecords.get(unit);
    if (all) store.serviceRecords.set(unit, { ...all, release_id: 'u2' });
    await watch([ILL, ILL, ILL]);
    expect(rollbacks()).toMatchObject([
      {
        ...{ service_id: unit, release_id: 'u1', warnings: [{ code: 'watch_failed' }] },
        watched: { service_id: 'default/shop', release_id: 'r2' },
      },
    ]);
    expect(store.releases.get('r2')?.watch_until).toBeNull();
  });

  it('goes back from what ends again and again, also where it answers in between', async () => {
    const ended: ReleaseLook = { problem: 'it ended', hasEnded: true, restarts: 0 };
    await watch([WELL, ended, WELL]);
    expect(rollbacks()).toEqual([]);
    await watch([WELL, ended, WELL, ended]);
    expect(rollbacks()).toHaveLength(1);
  });

  it('knows what its own supervisor has started again', async () => {
    await watch([
      { ...WELL, restarts: 4 },
      { ...WELL, restarts: 5 },
    ]);
    expect(rollbacks()).toEqual([]);
    await watch([
      { ...WELL, restarts: 4 },
      { ...WELL, restarts: 6 },
    ]);
    expect(rollbacks()).toHaveLength(1);
  });

  it('leaves alone what nobody watches any more, and what has nothing to go back to', async () => {
    await watch([ILL, ILL, ILL], NOW + 60_000);
    const problem = (): unknown => store.serviceRecords.get('default/shop')?.problem;
    expect(problem()).toBeUndefined();
    await store.changeRelease('r1', { status: 'removed' });
    await watch([ILL, ILL, ILL]);
    expect(rollbacks()).toEqual([]);
    expect(problem()).toMatchObject({
      code: 'release_failed',
      message: expect.stringContaining('GET / answers 500; it did not go back: no release'),
    });
  });
});
