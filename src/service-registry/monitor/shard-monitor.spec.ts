import { Logger } from '@nestjs/common';
import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import { DEFAULT_CHECK, type ProbeResult } from '../checks/service-check.js';
import { MemoryDeployedServices } from '../memory-deployed-services.fixture.js';
import { Prober, type ProbeTarget } from '../probing/prober.js';
import { MemoryServiceStore } from '../record/memory-service-store.fixture.js';
import { newService } from '../record/watched-service.fixture.js';
import { MONITOR_SILENT_MS, REGISTERED_SHARD } from '../record/watched-service.js';
import { ShardMonitor } from './shard-monitor.js';

class FakeProber extends Prober {
  readonly asked: ProbeTarget[] = [];
  result: ProbeResult = { ok: true };

  probe(target: ProbeTarget): Promise<ProbeResult> {
    this.asked.push(target);
    return Promise.resolve(this.result);
  }
}

const ID = 'default/shop';
const check = { ...DEFAULT_CHECK, interval_seconds: 1, timeout_seconds: 0.5 };

describe('ShardMonitor', () => {
  let store: MemoryServiceStore;
  let deployed: MemoryDeployedServices;
  let leaseStore: MemoryLeaseStore;
  let prober: FakeProber;
  let monitors: ShardMonitor[];
  const monitor = (host?: string): ShardMonitor => {
    const leases = new Leases(leaseStore);
    const parts = { store, deployed, leases, prober, rows: { add: () => undefined } };
    const made = new ShardMonitor(parts, host);
    monitors.push(made);
    return made;
  };
  /** Rounds of monitors, a second apart. */
  const rounds = async (count: number, ...some: readonly ShardMonitor[]): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      for (const one of some) await one.round();
      await jest.advanceTimersByTimeAsync(1_000);
    }
  };
  const stateOf = async (id = ID): Promise<string | undefined> =>
    (await store.find(id))?.health?.status;
  const changes = async (): Promise<string[]> =>
    (await store.changes(ID, { limit: 50 })).items.map(({ to }) => to).reverse();

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['error']);
  });
  beforeEach(() => {
    jest.useFakeTimers();
    store = new MemoryServiceStore();
    deployed = new MemoryDeployedServices();
    leaseStore = new MemoryLeaseStore();
    prober = new FakeProber();
    monitors = [];
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const one of monitors) await one.onApplicationShutdown();
    jest.useRealTimers();
  });

  it('watches what was registered, one process at a time', async () => {
    await store.insert(newService({ check }));
    const [one, other] = [monitor(), monitor()];
    await rounds(5, one, other);
    expect(await stateOf()).toBe('running');
    expect(prober.asked.length).toBeLessThanOrEqual(5);
    expect(await changes()).toEqual(['starting', 'running']);
    expect((await store.shard(REGISTERED_SHARD))?.fence).toBe(1);
    await one.onApplicationShutdown();
    prober.result = { ok: false, code: 'timeout', message: 'no answer' };
    await rounds(6, other);
    expect(await stateOf()).toBe('failed');
    expect((await store.find(ID))?.health?.fence).toBe(2);
  });

  it('tells from when to when nobody has looked', async () => {
    await store.insert(newService({ check }));
    const [one, next] = [monitor(), monitor()];
    await rounds(5, one);
    await one.onApplicationShutdown();
    const stopped = await store.shard(REGISTERED_SHARD);
    expect(stopped?.gap).toBeNull();
    await jest.advanceTimersByTimeAsync(MONITOR_SILENT_MS + 1_000);
    await rounds(2, next);
    const gap = (await store.shard(REGISTERED_SHARD))?.gap;
    expect(gap?.from).toEqual(stopped?.observed_at);
    expect(gap?.until.getTime()).toBeGreaterThan(Date.now() - 3_000);
    await rounds(30, next);
    expect((await store.shard(REGISTERED_SHARD))?.gap).toEqual(gap);
    jest.setSystemTime(Date.now() + 2 * MONITOR_SILENT_MS);
    await rounds(10, next);
    const later = (await store.shard(REGISTERED_SHARD))?.gap;
    expect(later?.from.getTime()).toBeGreaterThan(gap?.until.getTime() ?? Infinity);
  });

  it('writes nothing where there is nothing to watch', async () => {
    deployed.has('site');
    await rounds(3, monitor(), monitor('here'));
    expect(await leaseStore.find('services.registered')).toBeUndefined();
    expect(await leaseStore.find('services.host:here')).toBeUndefined();
    expect(store.watches.size).toBe(0);
  });

  it('takes up what is changed, beats and goes', async () => {
    await store.insert(newService({ check: { ...check, enabled: false }, ttl_seconds: 5 }));
    const one = monitor();
    await rounds(2, one);
    expect(await stateOf()).toBe('starting');
    await store.beat(ID, 'b1', new Date());
    await rounds(2, one);
    expect(await stateOf()).toBe('running');
    await rounds(6, one);
    expect(await stateOf()).toBe('failed');
    expect(prober.asked).toEqual([]);
    await store.change(ID, { check, ttl_seconds: null }, new Date(), 'r2');
    await rounds(5, one);
    expect(await stateOf()).toBe('running');
    await store.remove(ID);
    await rounds(2, one);
    prober.asked.length = 0;
    await rounds(3, one);
    expect(prober.asked).toEqual([]);
  });

  it('says nothing after it has lost its lease, and the time between is not observed', async () => {
    await store.insert(newService({ check }));
    const [one, other] = [monitor(), monitor()];
    await rounds(5, one);
    const renew = jest.spyOn(leaseStore, 'renew').mockRejectedValue(new Error('away'));
    // Nobody sees it while the store of the leases is away.
    await rounds(20);
    const before = prober.asked.length;
    await rounds(5);
    expect(prober.asked.length).toBe(before);
    renew.mockRestore();
    await rounds(30, other);
    expect(await changes()).toEqual(['starting', 'running', 'unknown', 'running']);
    expect((await store.find(ID))?.health?.fence).toBe(2);
  });

  it('stores what changed while the store was away for a moment', async () => {
    await store.insert(newService({ check }));
    const one = monitor();
    await rounds(3, one);
    const write = jest.spyOn(store, 'writeHealth').mockRejectedValue(new Error('away'));
    prober.result = { ok: false, code: 'timeout', message: 'no answer' };
    await rounds(5, one);
    write.mockRestore();
    await rounds(1, one);
    expect(await changes()).toEqual(['starting', 'running', 'failed']);
  });

  it('watches what was deployed on its host, there and nowhere else', async () => {
    const endpoints = ['http://127.0.0.1:20417/'];
    deployed.has('shop', { endpoints });
    deployed.has('site');
    deployed.has('far', { host: 'elsewhere', endpoints });
    const [here, registered] = [monitor('here'), monitor()];
    await rounds(25, here, registered);
    expect(await stateOf()).toBe('running');
    expect(new Set(prober.asked.map(({ isOwn }) => isOwn))).toEqual(new Set([true]));
    expect([...store.services.keys()]).toEqual([ID]);
    deployed.has('shop', { endpoints, status: 'stopped' });
    await rounds(2, here, registered);
    expect(await stateOf()).toBe('stopped');
    prober.asked.length = 0;
    await rounds(12, here, registered);
    expect(prober.asked).toEqual([]);
  });

  it('asks what somebody has named beside it by the rules of such addresses', async () => {
    const own = 'http://127.0.0.1:20417/';
    deployed.has('shop', { endpoints: [own] });
    await store.insert(newService({ endpoints: ['http://127.0.0.1:6379/', own], check }));
    await rounds(5, monitor('here'));
    const rules = new Map(prober.asked.map(({ url, isOwn }) => [url, isOwn]));
    expect([...rules].sort()).toEqual([
      [own, true],
      ['http://127.0.0.1:6379/', false],
    ]);
  });

  it('asks nothing on this host of what was deployed on another one', async () => {
    deployed.has('far', { host: 'elsewhere', endpoints: ['http://127.0.0.1:20417/'] });
    await store.insert(newService({ name: 'far', endpoints: ['http://far.example/'], check }));
    await rounds(5, monitor());
    expect(new Set(prober.asked.map(({ url }) => url))).toEqual(new Set(['http://far.example/']));
  });

  it('asks for another place when a deployed service has moved to it', async () => {
    deployed.has('shop', { endpoints: ['http://127.0.0.1:20417/'] });
    const here = monitor('here');
    await rounds(25, here);
    deployed.has('shop', { endpoints: ['http://127.0.0.1:20418/'] });
    await rounds(2, here);
    prober.asked.length = 0;
    await rounds(25, here);
    expect(new Set(prober.asked.map(({ url }) => url))).toEqual(
      new Set(['http://127.0.0.1:20418/']),
    );
  });
});
