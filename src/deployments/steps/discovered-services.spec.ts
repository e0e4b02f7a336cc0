import type { RunContext } from '../../engine/plan/plan.js';
import { newProbeState } from '../../service-registry/checks/probe-state.js';
import { MemoryDeployedServices } from '../../service-registry/memory-deployed-services.fixture.js';
import { MemoryServiceStore } from '../../service-registry/record/memory-service-store.fixture.js';
import { newService } from '../../service-registry/record/watched-service.fixture.js';
import type { ServiceHealth } from '../../service-registry/record/watched-service.js';
import { DiscoveredServices } from './discovered-services.js';

const OWN = 'http://127.0.0.1:20001';
const PUBLIC = 'https://shop.example/';

describe('DiscoveredServices', () => {
  let store: MemoryServiceStore;
  let deployed: MemoryDeployedServices;
  const signal = new AbortController().signal;
  const find = (name: string, trigger: Partial<RunContext['trigger']> = {}) =>
    new DiscoveredServices(store, deployed, 'here').find(
      name,
      { trigger: { event: 'manual', ...trigger } } as RunContext,
      signal,
    );
  const message = async (name: string): Promise<string> => {
    const found = await find(name);
    return found.kind === 'unavailable' ? found.message : 'found';
  };
  /** Seen by its monitor a moment ago. */
  const seen = async (
    id: string,
    status: ServiceHealth['status'],
    urls: readonly string[],
    endpoint: 'running' | 'failed' = status === 'running' ? 'running' : 'failed',
  ): Promise<void> => {
    const [environment = '', name = ''] = id.split('/');
    await store.insert(newService({ _id: id, environment, name, endpoints: urls }));
    const endpoints = urls.map((url) => ({ ...newProbeState(0), url, status: endpoint }));
    const reason = { code: 'endpoints_failed', message: 'all endpoints fail' };
    const health = { status, since: new Date(0), reason, endpoints, seq: 1, fence: 1 };
    await store.writeHealth(id, { health, outbox: [] });
    await store.observed({ _id: 'registered', fence: 1, observed_at: new Date() });
  };

  beforeEach(() => {
    store = new MemoryServiceStore();
    deployed = new MemoryDeployedServices();
  });

  it('tells where a service answers, of its environment or of the default one', async () => {
    await seen('default/shop', 'running', [PUBLIC]);
    await seen('production/shop', 'running', ['tcp://[2001:db8::1]:5432']);
    expect(await find('shop')).toEqual({
      ...{ kind: 'found', service: { url: PUBLIC, host: 'shop.example', port: 443 } },
    });
    expect(await find('production/shop')).toEqual({
      kind: 'found',
      service: { url: 'tcp://[2001:db8::1]:5432', host: '[2001:db8::1]', port: 5432 },
    });
  });

  it('says why where none passes, and near names where there is none', async () => {
    await seen('default/shop', 'failed', [PUBLIC]);
    expect(await message('shop')).toBe(
      "services['shop']: no endpoint of default/shop passes: all endpoints fail; see ./millrace services show default/shop",
    );
    expect(await message('shpo')).toBe(
      "services['shpo']: there is no service default/shpo; did you mean services['default/shop']?",
    );
    expect(await message('production/shop')).toContain("did you mean services['default/shop']?");
    expect(await message('other')).toBe("services['other']: there is no service default/other");
    expect(await message('A/b')).toContain('that is not the name of a service');
  });

  it('waits for a record that is away, and fails for nothing else that is wrong', async () => {
    await seen('default/shop', 'running', [PUBLIC]);
    const away = Object.assign(new Error('gone'), { name: 'MongoNetworkError' });
    const reads = jest.spyOn(store, 'find').mockRejectedValueOnce(away);
    expect(await find('shop')).toMatchObject({ kind: 'found' });
    reads.mockRejectedValueOnce(new Error('broken'));
    expect(await message('shop')).toContain('the record of services cannot be read: broken');
  });

  it('tells pull requests of forks nothing', async () => {
    await seen('default/shop', 'running', [PUBLIC]);
    expect(await find('shop', { fork: true })).toMatchObject({ kind: 'unavailable' });
    expect(await find('shop', { fork: false })).toMatchObject({ kind: 'found' });
  });

  it('never gives a loopback address of another host', async () => {
    deployed.has('shop', { type: 'local_service', host: 'web-1', endpoints: [OWN] });
    expect(await message('shop')).toContain('answers only on its own host web-1');
    deployed.has('shop', { type: 'local_service', host: 'here', endpoints: [OWN] });
    expect(await find('shop')).toMatchObject({ service: { url: OWN, port: 20_001 } });
  });

  it('takes the gate of a release for good while no check has decided anything', async () => {
    deployed.has('shop', { type: 'local_service', host: 'here', endpoints: [OWN] });
    await store.insert(newService({ endpoints: [] }));
    expect(await find('shop')).toMatchObject({ kind: 'found', service: { url: OWN } });
  });

  it('waits for a release that serves since a moment, and for no other one', async () => {
    const one = deployed.has('shop', { host: 'here', endpoints: [PUBLIC] });
    await seen('default/shop', 'failed', [PUBLIC]);
    const now = Date.now();
    const at = (ago: number) =>
      deployed.switched.set('default/shop', [
        {
          ...{ deploymentId: one.deploymentId ?? '', from: new Date(now - ago), until: null },
          isServing: true,
        },
      ]);
    at(60_000);
    expect(await find('shop')).toMatchObject({ kind: 'unavailable' });
    at(0);
    const found = find('shop');
    await store.remove('default/shop');
    await seen('default/shop', 'running', [PUBLIC]);
    expect(await found).toMatchObject({ kind: 'found' });
  });
});
