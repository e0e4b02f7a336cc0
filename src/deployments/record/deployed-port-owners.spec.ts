import { standIn } from '../../../test/support/stand-in.js';
import type { PortOwners } from '../../ports/port-owners.js';
import { instanceOwner, routeOwner } from '../routes/service-route.js';
import { DeployedPortOwners } from './deployed-port-owners.js';
import type { Release, Service } from './deployment.js';
import { MemoryDeploymentStore } from './memory-deployment-store.fixture.js';

const ID = 'default/shop';

describe('DeployedPortOwners', () => {
  const owners = (service: Partial<Service>, release: Partial<Release>): DeployedPortOwners => {
    const store = new MemoryDeploymentStore();
    store.serviceRecords.set(ID, { _id: ID, release_id: 'r', active: null, ...service } as Service);
    const whole = { _id: 'r', service_id: ID, number: 2, status: 'serving', ...release };
    store.releases.set('r', whole as Release);
    return new DeployedPortOwners(standIn<PortOwners>({}), store);
  };
  const stopped = { deployment_id: 'd', by: 'ada', at: new Date(0), message: null };

  it('leave a service that is stopped the port of its route, and that of its drain', async () => {
    const kept = owners({ stopped }, { status: 'kept' });
    expect(await kept.exists(routeOwner(ID))).toBe('exists');
    expect(await kept.exists(instanceOwner(ID, 2))).toBe('gone');
    const draining = owners({ stopped }, { status: 'draining' });
    expect(await draining.exists(instanceOwner(ID, 2))).toBe('exists');
  });

  it('leave an instance that was replaced its port until its drain is over', async () => {
    const at = (ms: number): DeployedPortOwners => {
      const until = new Date(Date.now() + ms);
      return owners({}, { instance: 1, draining_instances: [{ instance: 0, until }] });
    };
    expect(await at(60_000).exists(instanceOwner(ID, 2))).toBe('exists');
    expect(await at(60_000).exists(instanceOwner(ID, 2, 1))).toBe('exists');
    expect(await at(-1).exists(instanceOwner(ID, 2))).toBe('gone');
  });
});
