import { standIn } from '../../test/support/stand-in.js';
import type { Principal } from '../auth/principals/principal.js';
import { DeploymentsService } from './deployments.service.js';
import type { Deployment, Release, ReleaseStatus, Service } from './record/deployment.js';
import { MemoryDeploymentStore } from './record/memory-deployment-store.fixture.js';
import type { DeploymentGate } from './running/approval-gate.js';

const ID = 'default/shop';
const ADA = standIn<Principal>({ id: 'ada' });

describe('a rollback', () => {
  let store: MemoryDeploymentStore;
  let service: DeploymentsService;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    store.deployments.set('d', { _id: 'd', service_id: ID, environment: 'default' } as Deployment);
    const gate = standIn<DeploymentGate>({ deployerRefusal: () => Promise.resolve(undefined) });
    service = new DeploymentsService(store, gate);
  });

  const releases = (...statuses: readonly ReleaseStatus[]): void => {
    for (const [index, status] of statuses.entries()) {
      const [_id, number] = [`r${index + 1}`, index + 1];
      const settings = { type: 'docker_container', service_id: ID };
      store.releases.set(_id, { _id, service_id: ID, number, status, settings } as Release);
      if (status !== 'serving') continue;
      store.serviceRecords.set(ID, { _id: ID, turns: 0, release_id: _id } as Service);
    }
  };
  const target = async (number?: number): Promise<string | null> =>
    (await service.rollback('d', number, ADA)).deployment.release_id;

  it('goes to the newest release that has served before', async () => {
    releases('kept', 'kept', 'failed', 'serving', 'kept');
    expect(await target()).toBe('r2');
    expect(await target(1)).toBe('r1');
  });

  it('goes to one that has only just been replaced, too', async () => {
    releases('kept', 'draining', 'serving');
    expect(await target()).toBe('r2');
    expect(await target(2)).toBe('r2');
  });

  it('goes to none that serves, has failed or was removed', async () => {
    releases('removed', 'failed', 'serving');
    await expect(target()).rejects.toThrow('No release of default/shop');
    await expect(target(1)).rejects.toThrow('not kept any more');
    await expect(target(3)).rejects.toThrow('serves already');
    await expect(target(4)).rejects.toThrow('There is no release 4');
  });
});
