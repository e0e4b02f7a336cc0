import { Logger } from '@nestjs/common';
import { Leases } from '../leases/leases.js';
import { MemoryLeaseStore } from '../leases/memory-lease-store.js';
import { MemoryHostPorts } from './host/memory-host-ports.fixture.js';
import { MemoryPortLeaseStore } from './memory-port-lease-store.fixture.js';
import { portLease } from './port-lease.fixture.js';
import { PortOwners, type OwnerAnswer } from './port-owners.js';
import { GRACE_MS, HOST_GONE_MS, PortReconciler } from './port-reconciler.js';
import { PortsOfHost } from './ports.fixture.js';

const shop = { service: 'shop', release: '7' };
const blog = { service: 'blog', release: '1' };

describe('PortReconciler', () => {
  let store: MemoryPortLeaseStore;
  let host: MemoryHostPorts;
  let ports: PortsOfHost;
  let turns: MemoryLeaseStore;
  let answers: Map<string, OwnerAnswer | Error>;
  let reconciler: PortReconciler;
  let warn: jest.SpyInstance;
  const processOf = (of: PortsOfHost, leases: Leases): PortReconciler => {
    const owners = new PortOwners();
    owners.register('services', ({ service }) => {
      const answer = answers.get(service) ?? 'not_mine';
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    });
    return new PortReconciler(of.store, of.host, owners, of.returns, leases);
  };
  const isLeased = async (port: number): Promise<boolean> =>
    (await store.list({})).some((lease) => lease.port === port);
  /** Rounds for so long, as a process has them. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 20_000) {
      await jest.advanceTimersByTimeAsync(20_000);
      await reconciler.round();
    }
  };

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => undefined);
    store = new MemoryPortLeaseStore();
    host = new MemoryHostPorts();
    ports = new PortsOfHost(20_000, 20_009, store, host);
    turns = new MemoryLeaseStore();
    answers = new Map();
    reconciler = processOf(ports, new Leases(turns));
  });
  afterEach(async () => {
    await reconciler.onApplicationShutdown();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('gives back what an owner that is gone has left, behind its grace', async () => {
    const [left, kept] = [
      await ports.leases.take({ owner: shop }),
      await ports.leases.take({ owner: blog }),
    ];
    answers.set('shop', 'gone').set('blog', 'exists');
    await pass(GRACE_MS);
    expect(await isLeased(left)).toBe(true);
    await pass(20_000);
    expect([await isLeased(left), await isLeased(kept)]).toEqual([false, true]);
  });

  it('begins the grace again when the owner was there meanwhile', async () => {
    const port = await ports.leases.take({ owner: shop });
    answers.set('shop', 'gone');
    await pass(GRACE_MS - 40_000);
    answers.set('shop', 'exists');
    await pass(20_000);
    answers.set('shop', 'gone');
    await pass(GRACE_MS);
    expect(await isLeased(port)).toBe(true);
    await pass(20_000);
    expect(await isLeased(port)).toBe(false);
  });

  it.each([
    ['is nobody’s who can be asked', 'not_mine' as const],
    ['cannot be asked now', new Error('the database is away')],
  ])('keeps the port of an owner that %s', async (_why, answer) => {
    const port = await ports.leases.take({ owner: shop });
    answers.set('shop', answer);
    await pass(2 * GRACE_MS);
    expect(await isLeased(port)).toBe(true);
  });

  it('asks the other owners when one cannot be asked', async () => {
    const [first, second] = [
      await ports.leases.take({ owner: shop, wanted: 20_000 }),
      await ports.leases.take({ owner: blog, wanted: 20_001 }),
    ];
    answers.set('shop', new Error('it hangs')).set('blog', 'gone');
    await pass(GRACE_MS + 20_000);
    expect([await isLeased(first), await isLeased(second)]).toEqual([true, false]);
    expect(warn.mock.calls).toEqual([
      [expect.objectContaining({ owner: 'shop, release 7' }), expect.stringContaining('asked')],
    ]);
  });

  it('gives back what a crash has left half taken', async () => {
    await store.insert(portLease({ port: 20_004 }));
    answers.set('shop', 'gone');
    await pass(GRACE_MS + 20_000);
    expect(await isLeased(20_004)).toBe(false);
  });

  it('keeps a port of an owner that is gone while its program listens', async () => {
    const port = await ports.leases.take({ owner: shop });
    const end = host.occupy(port, { pid: 41, program: 'shop' });
    answers.set('shop', 'gone');
    await pass(GRACE_MS + 60_000);
    expect(await store.list({})).toMatchObject([
      { port, state: 'releasing', reason: 'shop (pid 41) has it' },
    ]);
    end();
    await pass(20_000);
    expect(await isLeased(port)).toBe(false);
  });

  it('gives ports of programs again once they are free', async () => {
    const end = host.occupy(8080, { pid: 812, program: 'nginx' });
    await ports.leases.take({ owner: shop, wanted: 8080 }).catch(() => undefined);
    await pass(60_000);
    expect(await isLeased(8080)).toBe(true);
    end();
    await pass(20_000);
    expect(await isLeased(8080)).toBe(false);
  });

  it('leaves ports of another host to it, until nobody there looks for a week', async () => {
    const there = { host: 'there', checkedAt: new Date() };
    await store.insert(portLease({ ...there, port: 1, state: 'releasing', claim: '1' }));
    await store.insert(portLease({ ...there, port: 2, state: 'in_use', owner: null }));
    await store.insert(portLease({ ...there, port: 3, state: 'held' }));
    await pass(20_000);
    await reconciler.round(Date.now() + HOST_GONE_MS - 60_000);
    expect(await store.list({})).toHaveLength(3);
    await reconciler.round(Date.now() + HOST_GONE_MS + 60_000);
    expect(await store.list({})).toMatchObject([{ port: 3, state: 'held' }]);
    expect(host.asked).toEqual([]);
  });

  it('is done by one process of the host at a time', async () => {
    const left = await ports.leases.take({ owner: shop });
    const end = host.occupy(left);
    await ports.leases.release(shop);
    await reconciler.round();
    const other = processOf(ports, new Leases(turns));
    end();
    await other.round();
    expect(await isLeased(left)).toBe(true);
    await reconciler.onApplicationShutdown();
    await other.round();
    expect(await isLeased(left)).toBe(false);
    await other.onApplicationShutdown();
  });

  it('takes no turn while there is nothing to look after, and gives it back', async () => {
    await reconciler.round();
    expect(await turns.find('ports.here')).toBeUndefined();
    await ports.leases.take({ owner: shop });
    await reconciler.round();
    expect((await turns.find('ports.here'))?.holder).toEqual(expect.any(String));
    await ports.leases.release(shop);
    await reconciler.round();
    expect((await turns.find('ports.here'))?.holder).toBeNull();
  });
});

describe('PortOwners', () => {
  const ask = (...answers: OwnerAnswer[]): Promise<string> => {
    const owners = new PortOwners();
    answers.forEach((answer, n) => owners.register(`o${n}`, () => Promise.resolve(answer)));
    return owners.ask(shop);
  };

  it.each([
    [[], 'unknown'],
    [['not_mine'], 'unknown'],
    [['not_mine', 'gone'], 'gone'],
    [['gone', 'exists'], 'exists'],
    [['exists', 'not_mine'], 'exists'],
  ] as [OwnerAnswer[], string][])('%j make %s', async (answers, answer) => {
    expect(await ask(...answers)).toBe(answer);
  });

  it('refuses two of one name', () => {
    const owners = new PortOwners();
    owners.register('services', () => Promise.resolve('gone'));
    expect(() => owners.register('services', () => Promise.resolve('gone'))).toThrow('services');
  });
});
