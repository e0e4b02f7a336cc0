import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { findProgram } from './needed-programs.js';

/** The real sshd on loopback, which lets in the user of the tests, by one key. For tests only. */
export class GitSshServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(): Promise<GitSshServer> {
    const program = findProgram('sshd');
    if (program === undefined) throw new Error('sshd missing: apt-get install openssh-server');
    const folder = mkdtempSync(join(tmpdir(), 'millrace-sshd-'));
    for (const name of ['host', 'user', 'stranger']) {
      execFileSync('ssh-keygen', [
        '-q',
        '-t',
        'ed25519',
        '-N',
        '',
        '-C',
        '',
        '-f',
        join(folder, name),
      ]);
    }
    const port = await freePort();
    const lines = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
    ];
    writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
    // Where sshd of root wants to be at home; the service makes it, and nobody starts that here.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const server = new GitSshServer(program, folder, port);
    await server.begin();
    return server;
  }

  /** Listens; also again, when it was killed. */
  async begin(): Promise<void> {
    const child = spawn(this.program, ['-D', '-e', '-f', join(this.folder, 'config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process = child;
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`sshd has ended: ${said}`);
      return said.includes('Server listening') || undefined;
    }, 10_000);
  }

  /** Kills it; connections that it has live on, as those of every sshd. */
  async kill(): Promise<void> {
    await endChild(this.process, 'SIGKILL');
  }

  /** URL of a folder of this machine. */
  url(path: string): string {
    return `ssh://${userInfo().username}@127.0.0.1:${this.port}${path}`;
  }

  /** A private key; that of the `stranger` opens nothing. */
  key(of: 'user' | 'stranger'): string {
    return readFileSync(join(this.folder, of), 'utf8');
  }

  /** The line of `known_hosts` that names this server, or one with another key. */
  knownHosts(of: 'host' | 'stranger' = 'host'): string {
    const [type = '', key = ''] = readFileSync(join(this.folder, `${of}.pub`), 'utf8').split(' ');
    return `[127.0.0.1]:${this.port} ${type} ${key.trim()}`;
  }

  async stop(): Promise<void> {
    await endChild(this.process);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
