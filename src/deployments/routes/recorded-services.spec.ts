import { uuidV7 } from '../../common/ids/uuid.js';
import type { Removals } from '../removals.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { Deployment, DeploymentPhaseTimes, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { RecordedServices } from './recorded-services.js';

describe('RecordedServices', () => {
  const store = new MemoryDeploymentStore();
  const services = new RecordedServices(store, {} as PortLeases, {} as Removals, {} as never);

  it('tells when a service was switched, and which deployment serves', async () => {
    const ids = Array.from({ length: 4 }, () => uuidV7());
    const phase = (name: DeploymentPhaseTimes['name'], at: number): DeploymentPhaseTimes => ({
      ...{ name, started_at: new Date(at), finished_at: null },
    });
    const of = (index: number, switchedAt: number | null, finished: number | null): void => {
      const phases = [phase('plan', 1), ...(switchedAt ? [phase('switch', switchedAt)] : [])];
      const _id = ids[index] ?? '';
      const one = { _id, environment: 'default', service: 'shop', phases };
      const finished_at = finished === null ? null : new Date(finished);
      store.deployments.set(_id, { ...one, finished_at } as unknown as Deployment);
    };
    of(0, 10, 12);
    of(1, 20, 25);
    of(2, null, 30);
    of(3, 40, null);
    const shop = { _id: 'default/shop', environment: 'default', name: 'shop' };
    store.serviceRecords.set('default/shop', {
      ...({ ...shop, deployment_id: ids[1] } as unknown as Service),
    });
    expect(await services.switches('default/shop')).toEqual([
      { deploymentId: ids[3], from: new Date(40), until: null, isServing: false },
      { deploymentId: ids[1], from: new Date(20), until: new Date(25), isServing: true },
      { deploymentId: ids[0], from: new Date(10), until: new Date(12), isServing: false },
    ]);
    expect(await services.switches('default/none')).toEqual([]);
  });
});
