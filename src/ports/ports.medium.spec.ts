import type { MillraceConfig } from '../config/millrace-config.js';
import { createServer, type Server } from 'node:net';
import { testServices } from '../../test/support/services.js';
import { DatabaseConnection } from '../integrations/database/database-connection.js';
import { LeaseRepository } from '../leases/lease.repository.js';
import { LeaseRecord, LeaseSchema } from '../leases/lease.schema.js';
import { Leases } from '../leases/leases.js';
import { LinuxHostPorts } from './host/linux-host-ports.js';
import { portLease } from './port-lease.fixture.js';
import { PortLeaseRepository } from './port-lease.repository.js';
import { PORT_LEASE_MODEL, type PortLeaseDocument, portLeaseSchema } from './port-lease.schema.js';
import { PortLeases } from './port-leases.js';
import { PortOwners } from './port-owners.js';
import { PortRange } from './port-range.js';
import { PortReconciler } from './port-reconciler.js';
import { PortReturns } from './port-returns.js';

const { mongodbUri, databaseName } = testServices();
/** Room for all, and few enough that they meet. */
const RANGE = { from: 21_000, to: 21_079 };

/** Without the grace, which has a spec of its own. */
class HastyReconciler extends PortReconciler {
  protected override readonly graceMs = 0;
}

/** What a process of this host has of its own: a connection, ports, a turn. */
class OneProcess {
  readonly database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 10 });
  readonly model = this.database.connection.model<PortLeaseDocument>(
    PORT_LEASE_MODEL,
    portLeaseSchema,
  );
  readonly store = new PortLeaseRepository(this.model);
  readonly host = new LinuxHostPorts();
  readonly owners = new PortOwners();
  private readonly returns = new PortReturns(this.store, this.host);
  readonly ports = new PortLeases(
    this.store,
    this.host,
    new PortRange({ portRange: RANGE } as MillraceConfig, this.host),
    this.returns,
  );
  readonly reconciler = new HastyReconciler(
    this.store,
    this.host,
    this.owners,
    this.returns,
    new Leases(new LeaseRepository(this.database.connection.model(LeaseRecord.name, LeaseSchema))),
  );
}

const [one, two] = [new OneProcess(), new OneProcess()];
const servers: Server[] = [];

async function listen(port: number, host: string): Promise<Server> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, host, resolve),
  );
  return server;
}
const close = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));

beforeAll(() => Promise.all([one.database.open(), two.database.open()]));
beforeEach(() => one.model.deleteMany({}).exec());
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close));
});
afterAll(() => Promise.all([one.database.close(), two.database.close()]));

describe('ports on the database and on this host', () => {
  it('gives 50 who ask two processes at once 50 different ports, none that a program has', async () => {
    const taken = [RANGE.from + 3, RANGE.from + 40];
    await Promise.all(taken.map((port) => listen(port, '127.0.0.1')));
    const all = await Promise.all(
      Array.from({ length: 50 }, (_item, n) =>
        (n % 2 ? one : two).ports.take({ owner: { service: `s${n}`, release: '1' } }),
      ),
    );
    expect(new Set(all).size).toBe(50);
    expect(all.filter((port) => taken.includes(port))).toEqual([]);
    const held = await one.store.list({ states: ['held'] });
    expect(held.map(({ port }) => port)).toEqual([...all].sort((a, b) => a - b));
    expect(await one.store.list({ states: ['taking', 'releasing'] })).toEqual([]);
  });

  it('gives one of 20 who want the same port that port', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, (_item, n) =>
        (n % 2 ? one : two).ports.take({
          owner: { service: `s${n}`, release: '1' },
          wanted: 21_500,
        }),
      ),
    );
    const refused = all.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(19);
    const [lease] = await one.store.list({});
    const who = `${lease?.owner?.service ?? ''}, release 1`;
    for (const each of refused) {
      expect(each).toMatchObject({ reason: { message: `Port 21500 belongs to ${who}.` } });
    }
  });

  it('gives one owner who asks two processes at once one port', async () => {
    const owner = { service: 'shop', release: '7' };
    const all = await Promise.all(
      Array.from({ length: 20 }, (_item, n) => (n % 2 ? one : two).ports.take({ owner })),
    );
    expect(new Set(all).size).toBe(1);
    expect(await one.store.list({ states: ['taking', 'held'] })).toHaveLength(1);
  });

  it('has given back what a crash left, but for a port where somebody listens', async () => {
    const { host } = one.host;
    const gone = (release: string) => ({ service: 'gone', release });
    const [idle, busy, half, kept] = [
      await one.ports.take({ owner: gone('1') }),
      await one.ports.take({ owner: gone('2') }),
      21_600,
      await one.ports.take({ owner: { service: 'shop', release: '7' } }),
    ];
    await one.store.insert(portLease({ host, port: half, owner: gone('3') }));
    two.owners.register('services', ({ service }) =>
      Promise.resolve(service === 'gone' ? 'gone' : 'exists'),
    );
    const server = await listen(busy, '127.0.0.1');
    const states = async (): Promise<Map<number, string>> =>
      new Map((await one.store.list({})).map(({ port, state }) => [port, state]));

    await two.reconciler.round();
    const after = await states();
    expect([idle, half].map((port) => after.get(port))).toEqual([undefined, undefined]);
    expect([busy, kept].map((port) => after.get(port))).toEqual(['releasing', 'held']);
    await close(server);
    await two.reconciler.round();
    expect([...(await states()).keys()]).toEqual([kept]);
    await two.reconciler.onApplicationShutdown();
  });
});
