import { standIn } from '../../test/support/stand-in.js';
import type { Principal } from '../auth/principals/principal.js';
import { conflict } from '../common/errors/millrace.error.js';
import { InstanceRequests } from './instance-requests.js';
import type { Release, Service } from './record/deployment.js';
import { MemoryDeploymentStore } from './record/memory-deployment-store.fixture.js';
import type { Removals } from './removals.js';

const SHOP = 'default/shop';
const ADA = { id: 'ada' } as Principal;

describe('InstanceRequests', () => {
  let store: MemoryDeploymentStore;
  let requests: InstanceRequests;
  let refusal: Error | undefined;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    refusal = undefined;
    const deployableBy = (id: string): Promise<Service> => {
      const service = store.serviceRecords.get(id);
      if (service && !refusal) return Promise.resolve(service);
      return Promise.reject(refusal ?? new Error('there is none'));
    };
    requests = new InstanceRequests(store, standIn<Removals>({ deployableBy }));
    store.releases.set('r1', { _id: 'r1', service_id: SHOP, number: 1 } as Release);
    serve();
  });

  const serve = (more: Partial<Service> = {}): void => {
    store.serviceRecords.set(SHOP, {
      ...{ _id: SHOP, service_type: 'local_service', release_id: 'r1', turns: 0, active: null },
      ...more,
    } as Service);
  };
  const stopped = { deployment_id: 'd', by: 'ada', at: new Date(0), message: null };

  it.each(['stop', 'start', 'restart'] as const)('puts a %s into the line', async (kind) => {
    const id = await requests.ask(kind, SHOP, ADA, 'a new disk');
    expect(await store.find(id)).toMatchObject({
      ...{ kind, release_id: 'r1', triggered_by: 'ada', message: 'a new disk', turn: 1 },
    });
    // By that a request of the system is known.
    expect(await store.find(id)).not.toHaveProperty('failed_release_id');
  });

  it('takes a stop of what is stopped, as a start may be before it in the line', async () => {
    serve({ stopped });
    await requests.ask('start', SHOP, ADA);
    await requests.ask('stop', SHOP, ADA);
    await expect(requests.ask('restart', SHOP, ADA)).rejects.toThrow('default/shop is stopped.');
    expect(store.deployments.size).toBe(2);
  });

  it.each<[string, Partial<Service>, string]>([
    ['a folder', { service_type: 'local_directory' }, 'is a folder'],
    ['nothing that serves', { release_id: null }, 'Nothing of default/shop serves.'],
  ])('refuses %s', async (_what, more, message) => {
    serve(more);
    await expect(requests.ask('stop', SHOP, ADA)).rejects.toThrow(message);
    expect(store.deployments.size).toBe(0);
  });

  it('is asked by those who may deploy', async () => {
    refusal = conflict('not you');
    await expect(requests.ask('stop', SHOP, ADA)).rejects.toThrow('not you');
  });
});
