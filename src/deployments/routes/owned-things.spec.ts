import { standIn } from '../../../test/support/stand-in.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { PortLease } from '../../ports/port-lease.js';
import type { DirectorySettings, Release, Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { ownedBy, ownedLines, partsOfUnit } from './owned-things.js';
import { instanceName, releasePath } from './service-route.js';

const SHOP = 'default/shop';

describe('what a service has', () => {
  const service = (more: Partial<Service> = {}): Service =>
    ({
      ...{ _id: SHOP, name: 'shop', host: 'h', service_type: 'docker_container' },
      ...{ release_id: 'r2', status: 'running', ...more },
    }) as Service;
  const release = (number: number, more: Partial<Release>): Release =>
    ({ _id: `r${number}`, service_id: SHOP, number, host: 'h', ...more }) as Release;
  const settings = (more: object): Release['settings'] => more as Release['settings'];
  const owned = (of: Service, newestFirst: readonly Release[], ports: readonly number[] = []) =>
    ownedBy(
      of,
      { releasesOf: () => Promise.resolve(newestFirst) },
      standIn<PortLeases>({
        list: () =>
          Promise.resolve(ports.map((port) => ({ port, state: 'held' }) as unknown as PortLease)),
      }),
    );

  it('is of containers their instances, images, ports and routes', async () => {
    const of = (image: string, more: object = {}): Release['settings'] =>
      settings({ type: 'docker_container', image, published: { domain: 'shop.example' }, ...more });
    const found = await owned(
      service(),
      [
        release(4, { status: 'failed', settings: of('shop:4') }),
        release(2, {
          ...{ status: 'serving', settings: of('shop:2'), instance: 2 },
          draining_instances: [{ instance: 1, until: new Date(0) }],
        }),
        release(1, { status: 'kept', settings: of('shop:1') }),
      ],
      [20_002, 8080, 20_002],
    );
    expect(found).toEqual({
      ...{ id: SHOP, type: 'docker_container', host: 'h', releases: [1, 2], folders: [] },
      instances: [instanceName(SHOP, 2, 1), instanceName(SHOP, 2, 2)],
      ...{ images: ['shop:1', 'shop:2'], ports: [8080, 20_002], routes: ['shop.example/'] },
    });
    expect(ownedLines(found)).toEqual([
      'removed are the releases 1, 2',
      `ended are the instances ${instanceName(SHOP, 2, 1)}, ${instanceName(SHOP, 2, 2)}`,
      'removed, where nothing else needs them, are the images shop:1, shop:2',
      'given back are the ports 8080, 20002',
      'removed are the routes shop.example/',
    ]);
    const published = { address: '127.0.0.1', port: 8080 };
    const here = release(2, { status: 'serving', settings: of('shop:2', { published }) });
    expect((await owned(service(), [here], [8080])).routes).toEqual(['127.0.0.1:8080']);
  });

  it('is of folders and programs what lies on their host', async () => {
    const path = settings({ type: 'local_directory', path: '/srv/shop' });
    const ssh = { host: 'web.example', port: 22, user: 'ada', identity: 'i' };
    const far = settings({ ...(path as DirectorySettings), ssh });
    const folders = [
      release(2, { status: 'serving', settings: far }),
      release(1, { status: 'kept', settings: path }),
    ];
    const found = await owned(service({ service_type: 'local_directory' }), folders);
    expect(found.folders).toEqual([
      '/srv/shop/releases/1',
      'ssh://ada@web.example:22/srv/shop/releases/2',
      'ssh://ada@web.example:22/srv/shop/current',
    ]);
    const program = settings({ type: 'local_service', published: { address: '::' } });
    const programs = [release(1, { status: 'kept', settings: program })];
    expect((await owned(service(), programs)).folders).toEqual([
      `MILLRACE_HOME/${releasePath(SHOP, 1)}`,
    ]);
  });

  it('is of a unit that of its parts, the last one first', async () => {
    const known = new Map([
      ['default/db', service({ _id: 'default/db', unit: SHOP })],
      ['default/api', service({ _id: 'default/api', unit: SHOP })],
      ['default/gone', service({ _id: 'default/gone', unit: SHOP, status: 'removed' })],
      ['default/other', service({ _id: 'default/other', unit: null })],
    ]);
    const parts = [...known.keys()].map((id) => ({ service_id: id, release_id: 'x' }));
    const store = standIn<DeploymentStore>({
      releasesOf: () => Promise.resolve([release(2, { parts }), release(1, { parts })]),
      service: (id) => Promise.resolve(known.get(id)),
    });
    const found = await partsOfUnit(SHOP, store);
    expect(found.map(({ _id }) => _id)).toEqual(['default/api', 'default/db']);
  });
});
