import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { connect as dial, createServer, type AddressInfo, type Server } from 'node:net';
import { rebindingHost } from '../../../test/support/rebinding-host.js';
import ssh2 from 'ssh2';
import { AddressPolicy } from '../../common/net/address-policy.js';
import type { ResolveHost } from '../../common/net/checked-addresses.js';
import { type SshLimits, Ssh2Client } from './ssh2-client.js';

const LIMITS = { connectMs: 5_000, loginMs: 5_000, keepAliveMs: 5_000 };
const NEVER = new AbortController().signal;

describe('Ssh2Client', () => {
  /** Hangs up on whoever comes. */
  let server: Server;
  let port: number;
  let connections: number;
  const { private: key, public: line } = ssh2.utils.generateKeyPairSync('ed25519');

  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => new Promise((done) => server.close(done)));
  beforeEach(() => {
    connections = 0;
  });

  const connect = (allowed: readonly string[], resolve: ResolveHost): Promise<unknown> => {
    const knownHosts = `[web.invalid]:${port} ${line}`;
    const login = { host: 'web.invalid', port, user: 'deploy', key, knownHosts };
    return new Ssh2Client(new AddressPolicy(allowed), LIMITS, resolve).connect(login, NEVER);
  };

  it('dials the address that was checked, and asks for none a second time', async () => {
    const { names, resolve } = rebindingHost();
    await expect(connect(['127.0.0.1'], resolve)).rejects.toMatchObject({ code: 'ssh_lost' });
    expect([names, connections]).toEqual([['web.invalid'], 1]);
  });

  it('is lost when its connection has ended and nobody has heard of the close', async () => {
    const listener = new ssh2.Server({ hostKeys: [key] }, (client) => {
      client.on('authentication', (login) => login.accept()).on('error', () => undefined);
    });
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const { port: there } = listener.address() as AddressInfo;
    const knownHosts = `[127.0.0.1]:${there} ${line}`;
    const login = { host: '127.0.0.1', port: there, user: 'deploy', key, knownHosts };
    const session = await new Ssh2Client(new AddressPolicy(['127.0.0.1']), LIMITS).connect(
      ...([login, NEVER] as const),
    );
    const exec = jest.spyOn(ssh2.Client.prototype, 'exec').mockImplementation(() => {
      throw new Error('Not connected');
    });
    const run = session.run({ text: 'true', timeoutMs: 5_000 }, NEVER);
    await expect(run).rejects.toMatchObject({ code: 'ssh_lost' });
    exec.mockRestore();
    await new Promise((done) => listener.close(done));
  });

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254'])(
    'dials nothing where a name means %s, beside whatever else',
    async (address) => {
      const mixed = [
        { address: '203.0.114.5', family: 4 as const },
        { address, family: 4 as const },
      ];
      const refused = connect([], () => Promise.resolve(mixed));
      await expect(refused).rejects.toMatchObject({ code: 'ssh_address_refused' });
      expect(connections).toBe(0);
    },
  );

  describe('at a host that is silent', () => {
    /** A limit that is not kept ends a test by this one, and that is no error of SSH. */
    const deadline = (): AbortSignal => AbortSignal.timeout(8_000);
    const at = (there: number, limits: SshLimits): Promise<unknown> => {
      const knownHosts = `[127.0.0.1]:${there} ${line}`;
      const login = { host: '127.0.0.1', port: there, user: 'deploy', key, knownHosts };
      const client = new Ssh2Client(new AddressPolicy(['127.0.0.1']), limits);
      return client.connect(login, deadline());
    };

    it('gives up the login where it takes connections and says nothing', async () => {
      const silent = createServer();
      await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
      const hungUp = new Promise((done) =>
        silent.once('connection', (socket) => socket.resume().once('close', done)),
      );
      const { port: there } = silent.address() as AddressInfo;
      const login = at(there, { connectMs: 60_000, loginMs: 100, keepAliveMs: 60_000 });
      await expect(login).rejects.toMatchObject({
        code: 'ssh_unreachable',
        message: expect.stringContaining('has not let anybody in in time') as unknown,
      });
      await hungUp;
      await new Promise((done) => silent.close(done));
    });

    it('gives up the connection where it does not even take one', async () => {
      // Stopped, with room for two: what comes then hears nothing, as behind a firewall.
      const listen = `require('net').createServer().listen(
        { port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`;
      const child = spawn(process.execPath, ['-e', listen], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      child.kill('SIGSTOP');
      const there = Number(said.toString());
      const taken = [1, 2].map(() => dial(there, '127.0.0.1'));
      await Promise.all(taken.map((socket) => once(socket, 'connect')));
      const dialled = at(there, { connectMs: 100, loginMs: 60_000, keepAliveMs: 60_000 });
      await expect(dialled).rejects.toMatchObject({
        code: 'ssh_unreachable',
        message: expect.stringContaining('no answer in 100 ms') as unknown,
      });
      for (const socket of taken) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    });
  });
});
