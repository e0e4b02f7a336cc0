import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { GitSshServer } from '../../../test/support/git-ssh-server.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { AddressPolicy } from '../../common/net/address-policy.js';
import type { SshSession } from './ssh-client.js';
import { Ssh2Client } from './ssh2-client.js';

/** Nothing here waits for so long: a limit that is not kept lets one of these pass. */
const LONG_MS = 15_000;
const NEVER = new AbortController().signal;

/** Passes a connection on until it is told to be silent; it closes nothing then. */
class Relay {
  private readonly sockets: Socket[] = [];
  private isSilent = false;
  /** Bytes that came from the client while it was silent. */
  swallowed = 0;

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port });
      relay.sockets.push(near, far);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('error', () => undefined);
        from.on('data', (bytes: Buffer) => {
          if (!relay.isSilent) to.write(bytes);
          else if (from === near) relay.swallowed += bytes.length;
        });
      }
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  silence(): void {
    this.isSilent = true;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

describeWith({ sshd: 'openssh-server' }, {}, 'limits of SSH, at a real sshd', () => {
  let sshd: GitSshServer;
  let relay: Relay;

  beforeAll(async () => {
    sshd = await GitSshServer.start();
  });
  afterAll(() => sshd.stop());
  beforeEach(async () => {
    relay = await Relay.to(sshd.port);
  });
  afterEach(() => relay.stop());

  const open = (keepAliveMs: number): Promise<SshSession> => {
    const limits = { connectMs: LONG_MS, loginMs: LONG_MS, keepAliveMs };
    const { port } = relay;
    const knownHosts = sshd.knownHosts().replace(`:${sshd.port} `, `:${port} `);
    const user = userInfo().username;
    const login = { host: '127.0.0.1', port, user, key: sshd.key('user'), knownHosts };
    return new Ssh2Client(new AddressPolicy(['127.0.0.1']), limits).connect(login, NEVER);
  };

  it('loses a host that says nothing any more, though its connection stays open', async () => {
    const session = await open(100);
    const run = session.run({ text: 'cat', timeoutMs: LONG_MS }, NEVER);
    relay.silence();
    await expect(run).rejects.toMatchObject({ code: 'ssh_lost' });
    expect(relay.swallowed).toBeGreaterThan(0);
  });

  it('waits for a command that says nothing, as long as its host answers', async () => {
    const session = await open(50);
    // Longer than a host may be silent for: three questions of 50 ms.
    const exit = await session.run({ text: 'sleep 1; echo done', timeoutMs: LONG_MS }, NEVER);
    expect([exit.code, exit.output.toString()]).toEqual([0, 'done\n']);
    session.close();
  });

  it('gives up a command that takes longer than it may, and its connection with it', async () => {
    const session = await open(LONG_MS);
    const run = session.run({ text: 'sleep 20', timeoutMs: 300 }, NEVER);
    await expect(run).rejects.toMatchObject({
      code: 'ssh_timeout',
      message: `[127.0.0.1]:${relay.port} has not done it within 0.3 s`,
    });
    const next = session.run({ text: 'true', timeoutMs: LONG_MS }, NEVER);
    await expect(next).rejects.toMatchObject({ code: 'ssh_lost' });
  });
});
