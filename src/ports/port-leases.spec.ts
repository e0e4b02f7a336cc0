import { MillraceError } from '../common/errors/millrace.error.js';
import { MemoryHostPorts } from './host/memory-host-ports.fixture.js';
import { MemoryPortLeaseStore } from './memory-port-lease-store.fixture.js';
import { portLease } from './port-lease.fixture.js';
import { portId, type PortLease } from './port-lease.js';
import { PortsOfHost } from './ports.fixture.js';

const shop = { service: 'shop', release: '7' };
const blog = { service: 'blog', release: '1' };
const nginx = { pid: 812, program: 'nginx' };

async function problemOf(call: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await call.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (error instanceof MillraceError) return error;
  throw new Error(`it gave ${String(error)}`);
}

describe('PortLeases', () => {
  let store: MemoryPortLeaseStore;
  let host: MemoryHostPorts;
  let ports: PortsOfHost;
  const given = async (port: number): Promise<PortLease | undefined> =>
    store.find(portId('here', port));

  beforeEach(() => {
    store = new MemoryPortLeaseStore();
    host = new MemoryHostPorts();
    ports = new PortsOfHost(20_000, 20_009, store, host);
  });

  it('gives a port of the range, and says whose it is', async () => {
    const port = await ports.leases.take({ host: 'here', owner: shop });
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThanOrEqual(20_009);
    expect(await given(port)).toMatchObject({ owner: shop, name: 'default', state: 'held' });
    expect(host.asked).toEqual([port]);
  });

  it('gives the same port again for the same owner and name, without a look at it', async () => {
    const port = await ports.leases.take({ owner: shop });
    host.occupy(port, { pid: 1, program: 'shop' });
    expect(await ports.leases.take({ owner: { ...shop } })).toBe(port);
    expect(await ports.leases.take({ owner: shop, wanted: port })).toBe(port);
    const others = [
      await ports.leases.take({ owner: shop, name: 'admin' }),
      await ports.leases.take({ owner: { ...shop, instance: '2' } }),
      await ports.leases.take({ owner: { ...shop, release: '8' } }),
    ];
    expect(new Set([port, ...others]).size).toBe(4);
    expect(host.asked.filter((each) => each === port)).toHaveLength(1);
  });

  it('gives one port to an owner who asks twice at once, also from two processes', async () => {
    const other = new PortsOfHost(20_000, 20_009, store, host);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_item, n) =>
        (n % 2 ? ports : other).leases.take({ owner: shop }),
      ),
    );
    expect(new Set(all).size).toBe(1);
    expect(await store.list({})).toHaveLength(1);
  });

  it('refuses another wanted port while the owner has one by this name', async () => {
    await ports.leases.take({ owner: shop, wanted: 8080 });
    const { kind, details } = await problemOf(ports.leases.take({ owner: shop, wanted: 8081 }));
    expect(kind).toBe('ConflictError');
    expect(details).toEqual({ code: 'other_port', port: 8080, wanted: 8081 });
  });

  it('continues with a port of its owner that was not looked at before a crash', async () => {
    const [begun, taken] = [portLease({ port: 20_003 }), portLease({ port: 20_004, owner: blog })];
    await store.insert(begun);
    await store.insert(taken);
    host.occupy(20_004, nginx);
    expect(await ports.leases.take({ owner: shop })).toBe(20_003);
    expect(await given(20_003)).toMatchObject({ state: 'held', owner: shop });
    expect(await ports.leases.take({ owner: blog })).not.toBe(20_004);
    expect(await given(20_004)).toMatchObject({ state: 'in_use', owner: null });
  });

  it('gives 10 owners 10 ports, then says why there is none', async () => {
    const free = host.occupy(20_007, nginx);
    host.spans = [{ from: 20_000, to: 20_001 }];
    const owners = Array.from({ length: 7 }, (_item, n) => ({ service: `s${n}`, release: '1' }));
    const all = await Promise.all(owners.map((owner) => ports.leases.take({ owner })));
    expect([...all].sort((a, b) => a - b)).toEqual([
      20_002, 20_003, 20_004, 20_005, 20_006, 20_008, 20_009,
    ]);
    const problem = await problemOf(ports.leases.take({ owner: shop }));
    expect(problem.message).toBe(
      "No port of PORT_RANGE 20000-20009 is left: 7 are leased, 1 are in use by other programs, 2 are the kernel's for outgoing connections.",
    );
    expect(problem.details).toMatchObject({ code: 'ports_exhausted', leased: 7, in_use: 1 });
    free();
    expect(await ports.leases.take({ owner: shop })).toBe(20_007);
  });

  it('skips a port that a program has, and keeps by whom', async () => {
    for (let port = 20_000; port < 20_009; port++) host.occupy(port, nginx);
    expect(await ports.leases.take({ owner: shop })).toBe(20_009);
    expect((await problemOf(ports.leases.take({ owner: blog }))).details).toMatchObject({
      in_use: 9,
    });
    expect(await store.list({ states: ['in_use'] })).toHaveLength(9);
    expect(await given(20_004)).toMatchObject({ owner: null, reason: 'nginx (pid 812) has it' });
  });

  it('looks once more at a port that nobody to be seen has', async () => {
    const end = host.occupy(8080);
    jest.spyOn(host, 'holderOf').mockImplementationOnce(() => {
      end();
      return Promise.resolve(undefined);
    });
    expect(await ports.leases.take({ owner: shop, wanted: 8080 })).toBe(8080);
  });

  it('says by which program a wanted port is in use', async () => {
    const free = host.occupy(8080, nginx);
    const problem = await problemOf(ports.leases.take({ owner: shop, wanted: 8080 }));
    expect(problem.kind).toBe('ConflictError');
    expect(problem.message).toBe('Port 8080 is in use on this host by nginx (pid 812).');
    expect(problem.details).toEqual({ code: 'port_in_use', port: 8080, ...nginx });
    free();
    expect(await ports.leases.take({ owner: shop, wanted: 8080 })).toBe(8080);
  });

  it('says to which service and release a wanted port belongs', async () => {
    await ports.leases.take({ owner: blog, wanted: 8080 });
    const problem = await problemOf(ports.leases.take({ owner: shop, wanted: 8080 }));
    expect(problem.kind).toBe('ConflictError');
    expect(problem.message).toBe('Port 8080 belongs to blog, release 1.');
    expect(problem.details).toMatchObject({ code: 'port_leased', state: 'held', ...blog });
  });

  it.each([0, -1, 65_536, 1.5, NaN])('refuses %d', async (wanted) => {
    const problem = await problemOf(ports.leases.take({ owner: shop, wanted }));
    expect(problem.kind).toBe('ValidationError');
    expect(await store.list({})).toEqual([]);
  });

  it('takes nothing for another host', async () => {
    await expect(ports.leases.take({ host: 'there', owner: shop })).rejects.toThrow('own host');
  });

  it('gives back what nobody uses', async () => {
    const port = await ports.leases.take({ owner: shop });
    const admin = await ports.leases.take({ owner: shop, name: 'admin' });
    expect(await ports.leases.release(shop)).toBe('released');
    expect(await given(port)).toBeUndefined();
    expect(await given(admin)).toMatchObject({ state: 'held' });
    expect(await ports.leases.release(shop)).toBe('released');
  });

  it('keeps a port from others while the old program listens there still', async () => {
    const port = await ports.leases.take({ owner: shop });
    const end = host.occupy(port, { pid: 41, program: 'shop' });
    expect(await ports.leases.release(shop)).toBe('releasing');
    expect(await given(port)).toMatchObject({
      state: 'releasing',
      owner: shop,
      reason: 'shop (pid 41) has it',
    });
    const problem = await problemOf(ports.leases.take({ owner: blog, wanted: port }));
    expect(problem.message).toBe(
      `Port ${port} was given back by shop, release 7, but shop (pid 41) has it.`,
    );
    expect(await ports.leases.take({ owner: shop })).not.toBe(port);
    expect(await given(port)).toMatchObject({ state: 'releasing', owner: shop });
    end();
    expect(await ports.leases.take({ owner: blog, wanted: port })).toBe(port);
  });

  it('gives back all of a service, a release or an instance', async () => {
    const take = (release: string, instance?: string): Promise<number> =>
      ports.leases.take({
        owner: { service: 'shop', release, ...(instance === undefined ? {} : { instance }) },
      });
    const [old, one, two] = [await take('6'), await take('7', '1'), await take('7', '2')];
    const other = await ports.leases.take({ owner: blog });
    host.occupy(two, nginx);
    expect(await ports.leases.releaseAllOf({ ...shop, instance: '1' })).toEqual({
      released: [one],
      releasing: [],
    });
    expect(await ports.leases.releaseAllOf({ service: 'shop' })).toEqual({
      released: [old],
      releasing: [two],
    });
    expect(await ports.leases.releaseAllOf({ service: 'shop' })).toEqual({
      released: [],
      releasing: [two],
    });
    expect((await ports.leases.list({ host: 'here' })).map(({ port }) => port).sort()).toEqual(
      [two, other].sort(),
    );
  });

  it('leaves the look at a port of another host to that host', async () => {
    await store.insert(portLease({ host: 'there', state: 'held' }));
    expect(await ports.leases.releaseAllOf(shop)).toEqual({ released: [], releasing: [20_000] });
    expect(host.asked).toEqual([]);
    expect(await store.list({})).toMatchObject([{ state: 'releasing', host: 'there' }]);
  });

  it('gives back what was changed since it was seen', async () => {
    const begun = portLease();
    await store.insert(begun);
    await ports.leases.take({ owner: shop });
    expect(await ports.returns.giveBack(begun, 'test')).toBe('released');
    expect(await store.list({})).toEqual([]);
  });

  it('does not give back what another owner has by now', async () => {
    const old = portLease({ port: 8080, state: 'held' });
    await ports.leases.take({ owner: blog, wanted: 8080 });
    expect(await ports.returns.giveBack(old, 'test')).toBe('released');
    expect(await given(8080)).toMatchObject({ owner: blog, state: 'held' });
  });
});
