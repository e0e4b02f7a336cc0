import { standIn } from '../../../test/support/stand-in.js';
import { MemoryPortLeaseStore } from '../../ports/memory-port-lease-store.fixture.js';
import { portLease } from '../../ports/port-lease.fixture.js';
import type { PortLease, PortOwner } from '../../ports/port-lease.js';
import type { InstanceRequests } from '../instance-requests.js';
import type { Removals } from '../removals.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { DeploymentType } from '../../engine/steps/deploy/deploy-action.js';
import type { Deployment, Release, Service, TargetSettings } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { DeployedRoutes } from './deployed-routes.js';
import { RecordedServices } from './recorded-services.js';
import {
  instanceName,
  instanceNamed,
  instanceOf,
  instanceOwner,
  isInstanceName,
  releaseOf,
  routeOwner,
  shortName,
} from './service-route.js';

const UPSTREAM = { host: '127.0.0.1', port: 20_001 };
const LISTEN = { address: '0.0.0.0', port: 20_000 };

describe.each<DeploymentType>(['docker_container', 'local_service'])(
  'a service whose releases are programs: %s',
  (type) => {
    const id = 'default/shop';
    let store: MemoryDeploymentStore;
    let ports: Pick<PortLeases, 'list'>;

    beforeEach(async () => {
      store = new MemoryDeploymentStore();
      const leases = new MemoryPortLeaseStore();
      const lease = (owner: PortOwner, port: number): Promise<boolean> =>
        leases.insert(portLease({ owner, port, state: 'held' }));
      await lease(routeOwner(id), LISTEN.port);
      await lease(instanceOwner(id, 3), UPSTREAM.port);
      await lease(instanceOwner(id, 2), 20_002);
      await lease(instanceOwner(id, 1), 20_003);
      ports = { list: (filter = {}) => leases.list(filter) };
      const settings = { type, service_id: id, published: { address: '0.0.0.0' } };
      store.releases.set('r3', {
        ...{ _id: 'r3', service_id: id, number: 3, host: 'here' },
        settings: settings as unknown as TargetSettings,
      } as Release);
    });

    const serve = (releaseId: string | null, more: Partial<Service> = {}): void => {
      store.serviceRecords.set(id, {
        ...{ _id: id, id: 'u', name: 'shop', environment: 'default', host: 'here' },
        ...{
          service_type: type,
          release_id: releaseId,
          active: null,
          deployment_id: null,
          ...more,
        },
      } as Service);
    };

    it('has a route to the instance that serves', async () => {
      serve('r3');
      expect(await new DeployedRoutes(store, ports).routesOn('here')).toEqual([
        { id: shortName(id), listen: LISTEN, upstream: UPSTREAM, isSwitching: false },
      ]);
    });

    it('asks the release before for static files, as long as they are kept and it drains', async () => {
      serve('r3', { deployment_id: 'd3' });
      store.deployments.set('d3', { _id: 'd3', previous_release_id: 'r2' } as Deployment);
      const serving = store.releases.get('r3');
      const release = (number: number, status: string, until: number): void => {
        const settings = serving?.settings;
        const drain_until = new Date(until);
        const record = { ...serving, _id: `r${number}`, number, status, settings, drain_until };
        store.releases.set(record._id, record as Release);
      };
      // Gone back from, say: it drains longer, and its files are of no page that r2 has given out.
      release(1, 'draining', 300);
      release(2, 'draining', 200);
      const upstreams = async (): Promise<unknown> =>
        (await new DeployedRoutes(store, ports).routesOn('here')).map(({ upstream }) => upstream);
      expect(await upstreams()).toEqual([UPSTREAM]);
      const settings = { ...serving?.settings, keep_assets: 600_000 } as TargetSettings;
      store.releases.set('r3', { ...serving, settings } as Release);
      const assetsFrom = { host: '127.0.0.1', port: 20_002 };
      expect(await upstreams()).toEqual([{ ...UPSTREAM, assetsFrom }]);
      release(2, 'kept', 200);
      expect(await upstreams()).toEqual([UPSTREAM]);
    });

    it('has a route before its first release serves, and none is corrected at a switch', async () => {
      serve(null, { active: 'd' });
      const { settings } = store.releases.get('r3') ?? {};
      store.deployments.set('d', { _id: 'd', phase: 'switch', settings } as Deployment);
      expect(await new DeployedRoutes(store, ports).routesOn('here')).toEqual([
        { id: shortName(id), listen: LISTEN, isSwitching: true },
      ]);
    });

    it.each([undefined, LISTEN.port])(
      'has no route while somebody looks whether its port is free: %s is wanted',
      async (port) => {
        serve(null, { active: 'd' });
        const { settings } = store.releases.get('r3') ?? {};
        const published = { address: '0.0.0.0', ...(port !== undefined && { port }) };
        const asked = { ...settings, published } as TargetSettings;
        store.deployments.set('d', { _id: 'd', phase: 'plan', settings: asked } as Deployment);
        const routes = async (state: PortLease['state']): Promise<number> => {
          const one = portLease({ owner: routeOwner(id), port: LISTEN.port, state });
          const list = (): Promise<PortLease[]> => Promise.resolve([one]);
          return (await new DeployedRoutes(store, { list }).routesOn('here')).length;
        };
        expect([await routes('taking'), await routes('held')]).toEqual([0, 1]);
      },
    );

    it('is reached as its deployment says once that has passed its gate, and not before', async () => {
      serve('r3', { active: 'd' });
      const { settings } = store.releases.get('r3') ?? {};
      const closed = { ...settings, published: { address: '127.0.0.1' } } as TargetSettings;
      const listens = async (more: Partial<Deployment>): Promise<unknown> => {
        store.deployments.set('d', { _id: 'd', settings: closed, ...more } as Deployment);
        const [route] = await new DeployedRoutes(store, ports).routesOn('here');
        return route?.listen;
      };
      expect(await listens({ phase: 'gate' })).toEqual(LISTEN);
      expect(await listens({ phase: 'gate', is_armed: true })).toEqual({
        ...{ ...LISTEN, address: '127.0.0.1' },
      });
    });

    it('leads nowhere while it is stopped, also before its deployment knows that', async () => {
      const stopped = { deployment_id: 'd', by: 'ada', at: new Date(0), message: null };
      serve('r3', { active: 'd', stopped });
      const closed = { id: shortName(id), listen: LISTEN, isStopped: true };
      for (const kind of ['stop', 'start'] as const) {
        store.deployments.set('d', { _id: 'd', kind, phase: 'switch' } as Deployment);
        expect(await new DeployedRoutes(store, ports).routesOn('here')).toEqual([
          // Of a start only the proxy knows whether it has switched.
          { ...closed, isSwitching: kind === 'start' },
        ]);
      }
    });

    it('is nowhere once it is withdrawn', async () => {
      serve(null, { active: 'd' });
      const { settings } = store.releases.get('r3') ?? {};
      const removal = { _id: 'd', kind: 'remove', phase: 'clean_up', settings } as Deployment;
      store.deployments.set('d', removal);
      expect(await new DeployedRoutes(store, ports).routesOn('here')).toEqual([]);
    });

    it('is shown with where it answers, and its process', async () => {
      serve('r3', { process_id: 4711 });
      const shown = new RecordedServices(
        store,
        standIn<PortLeases>(ports),
        standIn<Removals>({}),
        standIn<InstanceRequests>({}),
      );
      expect(await shown.find(id)).toMatchObject({
        ...{ type, endpoints: ['http://127.0.0.1:20000'], processId: 4711 },
      });
    });
  },
);

it('knows names of instances from others', () => {
  expect(isInstanceName(instanceName('default/shop', 12))).toBe(true);
  expect(isInstanceName(instanceName('default/shop', 12, 3))).toBe(true);
  const named = [instanceName('default/shop', 1), instanceName('default/shop', 1, 2)];
  const first = instanceName('default/shop', 1);
  expect(named.map((name) => instanceNamed(name, first))).toEqual([0, 2]);
  expect(instanceNamed(instanceName('default/shop', 12), first)).toBeUndefined();
  const owners = named.map((_, index) => instanceOwner('default/shop', 7, index * 2));
  expect(owners.map((owner) => [releaseOf(owner), instanceOf(owner)])).toEqual([
    [7, 0],
    [7, 2],
  ]);
  expect(['batch', 'batch.1', `${shortName('default/shop')}.0`].map(isInstanceName)).toEqual([
    ...[false, false, false],
  ]);
});
