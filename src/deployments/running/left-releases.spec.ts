import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import type { Deployment, Release, ReleaseStatus, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { InstanceTurns } from './instance-turns.js';
import { LeftReleases } from './left-releases.js';

const SERVICE = 'default/shop';

describe('LeftReleases', () => {
  let store: MemoryDeploymentStore;
  let turns: InstanceTurns;
  let left: LeftReleases;
  let removed: number[];
  let isAway: boolean;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    turns = new InstanceTurns(new Leases(new MemoryLeaseStore()));
    removed = [];
    isAway = false;
    const remove = ({ number }: { readonly number: number }): Promise<void> => {
      if (isAway) return Promise.reject(new Error('away'));
      removed.push(number);
      return Promise.resolve();
    };
    left = new LeftReleases({ store, turns, remove });
    serve('r3');
    store.deployments.set('d', {
      ...{ _id: 'd', previous_release_id: 'r2', settings: { keep: 2 } },
    } as Deployment);
  });

  const serve = (releaseId: string | null, active: string | null = null): void => {
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, release_id: releaseId, deployment_id: releaseId && 'd', active },
    } as Service);
  };
  const release = (number: number, status: ReleaseStatus, isServed = true): void => {
    store.releases.set(`r${number}`, {
      ...{ _id: `r${number}`, service_id: SERVICE, number, status, type: 'local_service' },
      ...{ served_at: isServed ? new Date(number) : null, settings: { keep: 2 } },
    } as Release);
  };
  const look = async (): Promise<readonly number[]> => {
    const releases = await store.releasesOf(SERVICE);
    const service = await store.service(SERVICE);
    return service === undefined ? [] : left.removeOf(service, releases);
  };
  const statuses = (): readonly string[] =>
    [...store.releases.values()].map(({ number, status }) => `${number} ${status}`).sort();

  it('are what was begun and is nobody’s any more, and what is more than is kept', async () => {
    release(1, 'kept');
    release(2, 'kept');
    release(3, 'serving');
    release(4, 'prepared', false);
    release(5, 'preparing', false);
    expect([...(await look())].sort()).toEqual([1, 4, 5]);
    expect(statuses()).toEqual(['1 removed', '2 kept', '3 serving', '4 failed', '5 failed']);
    expect(await look()).toEqual([]);
    expect(removed.sort()).toEqual([1, 4, 5]);
  });

  it('are never what the service names, however little else was written of it', async () => {
    release(3, 'prepared');
    expect(await look()).toEqual([]);
  });

  it('are so too where nothing ever served', async () => {
    release(1, 'prepared', false);
    serve(null);
    expect(await look()).toEqual([1]);
  });

  it('stay what they are while what they are on is away', async () => {
    release(3, 'serving');
    release(4, 'prepared', false);
    isAway = true;
    await expect(look()).rejects.toThrow('away');
    expect(statuses()).toEqual(['3 serving', '4 prepared']);
    isAway = false;
    expect(await look()).toEqual([4]);
  });

  it('are none while a deployment has the service, also one that has begun just now', async () => {
    release(3, 'serving');
    release(4, 'prepared', false);
    serve('r3', 'e');
    expect(await look()).toEqual([]);
    serve('r3');
    const releases = await store.releasesOf(SERVICE);
    const before = await store.service(SERVICE);
    if (before === undefined) throw new Error('no service');
    serve('r3', 'e');
    expect(await left.removeOf(before, releases)).toEqual([]);
    // It has served and ended meanwhile.
    serve('r4');
    release(4, 'serving');
    expect(await left.removeOf(before, releases)).toEqual([]);
    expect(removed).toEqual([]);
  });

  it('are left to whoever starts or ends them at this moment', async () => {
    release(3, 'serving');
    release(4, 'prepared', false);
    const ended = Promise.withResolvers<void>();
    const work = turns.tryNow({ service_id: SERVICE, number: 4 }, () => ended.promise);
    expect(await look()).toEqual([]);
    ended.resolve();
    await work;
    expect(await look()).toEqual([4]);
  });

  it('are none of those that a release of the unit needs', async () => {
    release(1, 'kept');
    release(2, 'kept');
    release(3, 'serving');
    serve('r3');
    const service = store.serviceRecords.get(SERVICE);
    store.serviceRecords.set(SERVICE, { ...service, unit: 'default/unit' } as Service);
    const parts = [{ service_id: SERVICE, release_id: 'r1' }];
    store.releases.set('u1', {
      ...{ _id: 'u1', service_id: 'default/unit', number: 1, status: 'kept', parts },
    } as unknown as Release);
    expect(await look()).toEqual([]);
  });
});
