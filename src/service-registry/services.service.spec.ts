import { MemoryFailureRecords } from './failures/memory-failure-records.fixture.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { MillraceError } from '../common/errors/millrace.error.js';
import { nameRecord } from '../common/values/name-record.js';
import { DEFAULT_CHECK } from './checks/service-check.js';
import { newProbeState } from './checks/probe-state.js';
import { serviceResponse } from './dto/service.response.js';
import { type AskedMaintenance, MaintenanceService } from './maintenance.service.js';
import { MemoryDeployedServices } from './memory-deployed-services.fixture.js';
import { principalOf } from '../auth/principals/principal.js';
import { ServiceRemoval } from './service-removal.js';
import { MemoryHealthHistory } from './history/memory-health-history.fixture.js';
import { MemoryServiceStore } from './record/memory-service-store.fixture.js';
import { newService } from './record/watched-service.fixture.js';
import { MONITOR_SILENT_MS, type ServiceHealth } from './record/watched-service.js';
import { ServiceIdPipe } from './service-id.pipe.js';
import type { AskedSettings } from './service-settings.js';
import { type ServiceFilter, ServicesService } from './services.service.js';

const SHOP = { environment: 'default', name: 'shop' };
const URL = 'http://203.0.114.5/';

const ADA = principalOf({ id: 'ada', kind: 'user', role: 'admin' });

describe('ServicesService', () => {
  let store: MemoryServiceStore;
  let deployed: MemoryDeployedServices;
  let services: ServicesService;
  const allowing = (...allowPrivateUrls: string[]): ServicesService =>
    new ServicesService(
      store,
      deployed,
      new ServiceRemoval(store, new MemoryHealthHistory(), new MemoryFailureRecords()),
      {
        allowPrivateUrls,
      } as unknown as MillraceConfig,
    );
  const register = (asked: AskedSettings, self = SHOP) => services.register(self, asked, 'ada');
  const refusal = async (work: Promise<unknown>): Promise<MillraceError> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof MillraceError) return error;
    throw new Error(`not refused: ${String(error)}`);
  };
  const seen = async (
    statuses: readonly ('running' | 'failed')[],
    more: Partial<ServiceHealth> = {},
    observedAt = new Date(),
  ): Promise<void> => {
    await store.insert(newService({ endpoints: statuses.map((_, n) => `${URL}${n}`) }));
    const endpoints = statuses.map((status, n) => ({
      ...{ ...newProbeState(0), url: `${URL}${n}`, status },
    }));
    const health: ServiceHealth = {
      ...{ status: 'running', since: new Date(0), reason: { code: 'checks_pass', message: 'm' } },
      ...{ endpoints, seq: 1, fence: 1, ...more },
    };
    await store.writeHealth('default/shop', { health, outbox: [] });
    await store.observed({ _id: 'registered', fence: 1, observed_at: observedAt });
  };

  beforeEach(() => {
    store = new MemoryServiceStore();
    deployed = new MemoryDeployedServices();
    services = allowing();
  });

  it('registers a service with defaults, and shows the fields of the seed', async () => {
    const metadata = nameRecord([['constructor', 'x']]);
    const view = await register({ endpoints: [URL], dependencies: ['db'], metadata });
    expect(serviceResponse(view)).toMatchObject({
      ...{ id: view.uuid, name: 'shop', environment: 'default', service_type: 'external' },
      ...{ endpoint: URL, ports: [80], status: 'starting', reason: { code: 'not_decided' } },
      ...{ deployment_id: null, container_id: null, process_id: null, last_heartbeat: null },
      ...{ check: DEFAULT_CHECK, dependencies: ['default/db'], deployed: false, host: null },
    });
    expect(Object.entries(serviceResponse(view).metadata)).toEqual([['constructor', 'x']]);
    expect(await services.get({ uuid: view.uuid })).toEqual(await services.get(SHOP));
    expect((await refusal(register({ endpoints: [URL] }))).kind).toBe('ConflictError');
  });

  it.each<[string, AskedSettings]>([
    ['endpoints', {}],
    ['endpoints', { endpoints: [URL], check: { enabled: false } }],
    ['endpoints[1]', { endpoints: [URL, 'ftp://x'] }],
    ['check.timeout_seconds', { endpoints: [URL], check: { interval_seconds: 5 } }],
    ['check.body_contains', { endpoints: [URL], check: { method: 'HEAD', body_contains: 'x' } }],
    ['dependencies[0]', { endpoints: [URL], dependencies: ['shop'] }],
    ['metadata.a', { endpoints: [URL], metadata: nameRecord([['a', 7]]) }],
  ])('refuses what is wrong in %s', async (path, asked) => {
    const error = await refusal(register(asked));
    expect(error.kind).toBe('ValidationError');
    expect(error.details).toMatchObject([{ path }]);
    expect(store.services.size).toBe(0);
  });

  it.each(['http://127.0.0.1:80/', 'tcp://10.0.0.1:5432', 'http://[::1]/', 'http://0177.1/'])(
    'asks %s only where the operator allows it',
    async (url) => {
      const error = await refusal(register({ endpoints: [url] }));
      expect(error.kind).toBe('UnprocessableError');
      expect(error.message).toContain('ALLOW_PRIVATE_URLS');
      await register({ endpoints: [url], check: { enabled: false }, ttl_seconds: 30 });
      const change = services.change(SHOP, { check: { enabled: true } }, ADA);
      expect((await refusal(change)).kind).toBe('UnprocessableError');
      services = allowing('all');
      await services.change(SHOP, { check: { enabled: true } }, ADA);
    },
  );

  it('refuses a circle of dependencies, over however many others', async () => {
    await register({ endpoints: [URL], dependencies: ['api'] });
    await register({ endpoints: [URL], dependencies: ['db'] }, { ...SHOP, name: 'api' });
    await register({ endpoints: [URL] }, { ...SHOP, name: 'db' });
    const closed = services.change({ ...SHOP, name: 'db' }, { dependencies: ['shop'] }, ADA);
    const error = await refusal(closed);
    expect(error.kind).toBe('ValidationError');
    expect(error.details).toMatchObject([
      {
        ...{ path: 'dependencies', code: 'cycle' },
        message: expect.stringContaining('default/db needs default/shop needs default/api needs'),
      },
    ]);
    expect(store.services.get('default/db')?.dependencies).toEqual([]);
    await store.remove('default/db');
    const again = register({ endpoints: [URL], dependencies: ['shop'] }, { ...SHOP, name: 'db' });
    expect((await refusal(again)).kind).toBe('ValidationError');
  });

  it('shows which of all that it needs is to be mended', async () => {
    const names = ['shop', 'api', 'db'];
    for (const [index, name] of names.entries()) {
      const dependencies = names.slice(index + 1, index + 2);
      await register({ endpoints: [URL], dependencies }, { ...SHOP, name });
    }
    const is = async (name: string, status: ServiceHealth['status'], since: number) => {
      const reason = { code: 'endpoints_failed', message: `${name} fails` };
      const health = { status, since: new Date(since), reason, endpoints: [], seq: 1, fence: 1 };
      await store.writeHealth(`default/${name}`, { health, outbox: [] });
    };
    await store.observed({ _id: 'registered', fence: 1, observed_at: new Date() });
    await is('shop', 'degraded', 9);
    await is('api', 'failed', 8);
    await is('db', 'failed', 7);
    const shown = serviceResponse(await services.get(SHOP));
    expect(shown.root_cause).toEqual({
      ...{ service: 'default/db', status: 'failed', since: new Date(7) },
      reason: { code: 'endpoints_failed', message: 'db fails' },
    });
    const page = await services.list({}, { limit: 10 });
    expect(page.items.map((one) => serviceResponse(one).root_cause?.service ?? null)).toEqual([
      ...['default/db', null, 'default/db'],
    ]);
    await is('db', 'degraded', 7);
    expect((await services.get(SHOP)).rootCause?.id).toBe('default/api');
    await is('shop', 'running', 9);
    expect((await services.get(SHOP)).rootCause).toBeUndefined();
  });

  describe('in maintenance', () => {
    const maintenance = (): MaintenanceService => new MaintenanceService(services, store);
    const shown = async () => serviceResponse(await services.get(SHOP)).maintenance;

    it('is shown while the window is open, until it ends or is ended', async () => {
      deployed.has('shop');
      await maintenance().begin(SHOP, { minutes: 30, reason: 'disk' }, 'ada');
      expect(await shown()).toMatchObject({ reason: 'disk', by: 'ada' });
      const [window] = store.services.get('default/shop')?.maintenance.windows ?? [];
      expect(+(window?.until ?? 0) - +(window?.from ?? 0)).toBe(30 * 60_000);
      const until = new Date(Date.now() + 3_600_000);
      await maintenance().begin(SHOP, { until: until.toISOString() }, 'eve');
      expect(await shown()).toMatchObject({ until, by: 'eve', reason: null });
      expect((await maintenance().end(SHOP)).isChanged).toBe(true);
      expect(await shown()).toBeNull();
      expect((await maintenance().end(SHOP)).isChanged).toBe(false);
      const { windows } = store.services.get('default/shop')?.maintenance ?? { windows: [] };
      expect(windows.map(({ ended_at: ended }) => ended !== null)).toEqual([true, true]);
    });

    it.each<AskedMaintenance>([
      {},
      { minutes: 5, until: '2099-01-01T00:00:00Z' },
      { until: '2020-01-01T00:00:00Z' },
      { until: '2099-01-01T00:00:00Z' },
    ])('is refused when it lasts as %j says', async (asked) => {
      await register({ endpoints: [URL] });
      const error = await refusal(maintenance().begin(SHOP, asked, 'ada'));
      expect(error.details).toMatchObject([{ path: 'until' }]);
      expect(await shown()).toBeNull();
    });

    it('is kept whoever changes it at the same moment', async () => {
      await register({ endpoints: [URL] });
      await Promise.all([1, 2, 3].map((n) => maintenance().begin(SHOP, { minutes: n }, `u${n}`)));
      expect(store.services.get('default/shop')?.maintenance).toMatchObject({
        ...{ version: 3, windows: [{ by: 'u1' }, { by: 'u2' }, { by: 'u3' }] },
      });
    });
  });

  it('changes what is named, and tells the monitor of it', async () => {
    await register({ endpoints: [URL], check: { path: '/a', up: 5 }, tags: ['web'] });
    const before = store.services.get('default/shop')?.revision;
    const view = await services.change(SHOP, { check: { path: null } }, ADA);
    expect(view.watched).toMatchObject({
      ...{ tags: ['web'], check: { path: null, up: 5 }, endpoints: [URL] },
    });
    expect(view.watched?.revision).not.toBe(before);
    expect((await refusal(services.change(SHOP, { endpoints: [] }, ADA))).kind).toBe(
      'ValidationError',
    );
  });

  it('lists what was deployed and what was registered as one, in pages', async () => {
    for (const name of ['b', 'd']) deployed.has(name);
    await services.change({ ...SHOP, name: 'b' }, { tags: ['web'] }, ADA);
    for (const name of ['c', 'a']) await register({ endpoints: [URL] }, { ...SHOP, name });
    const names = async (filter: ServiceFilter, limit = 10, after?: string) => {
      const page = await services.list(filter, { limit, ...(after !== undefined && { after }) });
      return { names: page.items.map(({ name }) => name).join(''), next: page.next };
    };
    expect(await names({})).toEqual({ names: 'abcd', next: undefined });
    expect(await names({}, 3)).toEqual({ names: 'abc', next: 'default/c' });
    expect(await names({}, 3, 'default/c')).toEqual({ names: 'd', next: undefined });
    expect((await names({ tag: 'web' })).names).toBe('b');
    expect((await names({ status: 'running' })).names).toBe('bd');
    expect((await names({ name: 'c' })).names).toBe('c');
    expect((await names({ environment: 'production' })).names).toBe('');
  });

  it('shows what was deployed as its record says, while nothing checks it', async () => {
    const one = deployed.has('shop');
    const view = await services.get({ uuid: one.uuid });
    expect(serviceResponse(view)).toMatchObject({
      ...{ id: one.uuid, service_type: 'local_directory', deployment_id: one.deploymentId },
      ...{ status: 'running', reason: { code: 'not_checked' }, deployed: true, host: 'here' },
    });
    deployed.has('shop', { status: 'stopped' });
    expect((await services.get(SHOP)).status).toBe('stopped');
    expect(await services.planRemoval(SHOP)).toMatchObject({
      ...{ environment: 'default', name: 'shop', owned: [{ id: 'default/shop', releases: [1] }] },
    });
    expect(await services.remove(SHOP, ADA)).toBe('removal of default/shop by ada');
    expect((await refusal(register({ endpoints: [URL] }))).kind).toBe('ConflictError');
  });

  it('shows what somebody has stopped with who, when and why, and discovers nothing', async () => {
    const at = new Date(7);
    const stopped = { deploymentId: 'd', by: 'ada', at, reason: 'a new disk' };
    const endpoints = ['http://127.0.0.1:20417/'];
    deployed.has('shop', { status: 'stopped', stopped, endpoints });
    await services.registered(SHOP, 'ada');
    const shown = serviceResponse(await services.get(SHOP));
    expect(shown).toMatchObject({
      ...{ status: 'stopped', since: at, stopped: { by: 'ada', at, deployment_id: 'd' } },
      reason: { code: 'stopped', message: 'it was stopped by ada: a new disk' },
      endpoints: [{ status: null }],
    });
    for (const known of [endpoints, []]) {
      deployed.has('shop', { status: 'stopped', stopped, endpoints: known });
      const refused = await refusal(services.discover('default', 'shop'));
      expect(refused).toMatchObject({ details: { status: 'stopped', code: 'stopped' } });
    }
  });

  it('asks for the instance of what was deployed, and of nothing else', async () => {
    deployed.has('shop');
    expect(await services.askInstance(SHOP, 'stop', ADA, 'disk')).toBe(
      'stop default/shop ada disk',
    );
    expect(await services.askInstance(SHOP, 'start', ADA)).toBe('start default/shop ada');
    const other = { environment: 'default', name: 'far' };
    await services.register(other, { endpoints: [URL] }, 'ada');
    expect((await refusal(services.askInstance(other, 'stop', ADA))).kind).toBe('ConflictError');
  });

  it('removes what was registered', async () => {
    await register({ endpoints: [URL] });
    expect(await services.planRemoval(SHOP)).toMatchObject({ name: 'shop', owned: [] });
    expect(await services.remove(SHOP, ADA)).toBeUndefined();
    expect((await refusal(services.get(SHOP))).kind).toBe('NotFoundError');
  });

  it('is registered by its first heartbeat', async () => {
    const asked = { ttlSeconds: 30, endpoints: ['http://10.0.0.1/'] };
    const first = await services.heartbeat(SHOP, asked, 'bot');
    expect(first.isChanged).toBe(true);
    const { watched } = first.value;
    expect(watched).toMatchObject({ ttl_seconds: 30, check: { enabled: false } });
    const second = await services.heartbeat({ uuid: first.value.uuid }, asked, 'bot');
    expect(second.isChanged).toBe(false);
    expect(second.value.watched?.beat).not.toBe(watched?.beat);
    const unknown = services.heartbeat({ uuid: 'no' }, asked, 'bot');
    expect((await refusal(unknown)).kind).toBe('NotFoundError');
  });

  it('discovers endpoints that pass, also of a degraded service', async () => {
    await seen(['running', 'failed'], { status: 'degraded' });
    const view = await services.discover('default', 'shop');
    expect(view.endpoints.filter((one) => one.status === 'running')).toHaveLength(1);
  });

  it('discovers nothing rather than an old address, and says why', async () => {
    const none = async () => refusal(services.discover('default', 'shop'));
    expect((await none()).kind).toBe('NotFoundError');
    const reason = { code: 'endpoints_failed', message: 'all endpoints fail' };
    await seen(['failed'], { status: 'failed', reason });
    const failed = await none();
    expect(failed.kind).toBe('ServiceUnavailableError');
    expect(failed.details).toMatchObject({ status: 'failed', code: 'endpoints_failed' });
    deployed.has('folder');
    const folder = await refusal(services.discover('default', 'folder'));
    expect(folder.details).toMatchObject({ code: 'no_endpoints' });
  });

  it('discovers nothing of a service that sends no heartbeat any more', async () => {
    const reason = { code: 'heartbeat_missed', message: 'no heartbeat came in time' };
    await seen(['running'], { status: 'failed', reason });
    const error = await refusal(services.discover('default', 'shop'));
    expect(error.details).toMatchObject({ code: 'heartbeat_missed' });
  });

  it('knows nothing of a service whose monitor is silent', async () => {
    const observedAt = new Date(Date.now() - MONITOR_SILENT_MS - 1);
    await seen(['running'], {}, observedAt);
    const view = await services.get(SHOP);
    expect(view).toMatchObject({
      ...{ status: 'unknown', reason: { code: 'not_observed' }, since: observedAt },
      endpoints: [{ status: 'unknown' }],
    });
    const error = await refusal(services.discover('default', 'shop'));
    expect(error.details).toMatchObject({ status: 'unknown', code: 'not_observed' });
  });

  it('is named by UUID or by environment and name', () => {
    const pipe = new ServiceIdPipe();
    expect(pipe.transform('01932F5E-9D10-7C43-A5B1-6A3C2F1E0D4B')).toEqual({
      uuid: '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b',
    });
    expect(pipe.transform('default/shop')).toEqual(SHOP);
    for (const text of ['shop', 'a/b/c', 'A/b', '/shop', 'default/']) {
      expect(() => pipe.transform(text)).toThrow('id names no service');
    }
  });

  describe('checks of an instance', () => {
    const EXEC = { type: 'exec', name: 'ready', command: ['./ready'] } as const;
    const BOB = principalOf({ id: 'bob', kind: 'user', role: 'developer' });

    it('are of what Millrace has deployed as a program or a container', async () => {
      const hand = await refusal(register({ endpoints: [URL], checks: [EXEC] }));
      expect(hand).toMatchObject({ kind: 'UnprocessableError', details: { code: 'no_instance' } });
      expect(hand.message).toContain('needs a service that Millrace has deployed');
      deployed.has('shop', { type: 'local_directory' });
      expect((await refusal(services.change(SHOP, { checks: [EXEC] }, ADA))).message).toContain(
        'a local_directory has none',
      );
      deployed.has('shop', { type: 'local_service', hasInstance: true });
      const container = services.change(SHOP, { checks: [{ type: 'container' }] }, ADA);
      expect((await refusal(container)).message).toContain('a local_service is no container');
      const view = await services.change(SHOP, { checks: [EXEC] }, ADA);
      expect(serviceResponse(view).checks).toEqual([
        {
          ...{ name: 'ready', type: 'exec', command: ['./ready'], deployed: false },
          ...{ interval_seconds: 10, timeout_seconds: 5 },
          ...{ status: 'starting', since: null, flapping: false, problem: null },
        },
      ]);
    });

    it('that run commands take who may deploy there; others do not', async () => {
      deployed.has('shop', { type: 'docker_container', hasInstance: true });
      deployed.refusals.set('bob', new MillraceError('AuthorizationError', 'not bob.'));
      const exec = services.change(SHOP, { checks: [EXEC] }, BOB);
      expect((await refusal(exec)).kind).toBe('AuthorizationError');
      expect(await store.find('default/shop')).toBeUndefined();
      const view = await services.change(SHOP, { checks: [{ type: 'container' }] }, BOB);
      expect(view.checks.map(({ check }) => check.name)).toEqual(['container']);
    });

    it('that fail keep an address from being given, also while they flap', async () => {
      const own = { ...EXEC, intervalMs: 9_000, timeoutMs: 1_000 };
      const more = { hasInstance: true, checks: [own], endpoints: [URL] };
      deployed.has('shop', { type: 'local_service', ...more });
      await seen([]);
      const check = { ...newProbeState(0), url: 'check:ready', flapping: true };
      const endpoint = { ...newProbeState(0), url: URL, status: 'running' } as const;
      for (const [status, isGiven] of [
        ['failed', false],
        ['running', true],
      ] as const) {
        const health: ServiceHealth = {
          ...{ status: 'degraded', since: new Date(0), seq: 1, fence: 1 },
          ...{ reason: { code: 'flapping', message: 'm' } },
          endpoints: [endpoint, { ...check, status }],
        };
        await store.writeHealth('default/shop', { health, outbox: [] });
        const found = await services.discover('default', 'shop').catch(() => undefined);
        expect(found !== undefined).toBe(isGiven);
      }
    });

    it('of the deployment stand before those of the same name', async () => {
      const own = { ...EXEC, command: 'own', intervalMs: 9_000, timeoutMs: 1_000 };
      deployed.has('shop', { type: 'local_service', hasInstance: true, checks: [own] });
      const more = { ...EXEC, name: 'more' };
      const view = await services.change(SHOP, { checks: [EXEC, more] }, ADA);
      expect(view.checks.map(({ check, isDeployed }) => [check.name, isDeployed])).toEqual([
        ['ready', true],
        ['more', false],
      ]);
    });

    it.each([
      [[EXEC, EXEC], 'checks[1].name'],
      [[{ type: 'exec' }], 'checks[0].command'],
      [[{ type: 'container', command: 'x' }], 'checks[0].command'],
      [[{ ...EXEC, interval_seconds: 5, timeout_seconds: 5 }], 'checks[0].timeout_seconds'],
    ] as const)('are refused as %j', async (checks, path) => {
      deployed.has('shop', { type: 'docker_container', hasInstance: true });
      const wrong = await refusal(services.change(SHOP, { checks }, ADA));
      expect(wrong.details).toMatchObject([{ path }]);
    });
  });
});
