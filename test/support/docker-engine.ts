import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { removeTree } from './remove-tree.js';
import { stopAll } from './stop-all.js';

const run = promisify(execFile);
/** Number of the daemon's containerd. */
const CONTAINERD = 'exec/containerd/containerd.pid';

/**
 * A Docker Engine of a test's own: its images, containers and networks are gone with it. Needs
 * root.
 */
export class DockerEngine {
  private daemon: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly settings: readonly string[],
  ) {}

  /** @param settings further arguments of `dockerd` */
  static async start(settings: readonly string[] = []): Promise<DockerEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-docker-'));
    const engine = new DockerEngine(folder, settings);
    try {
      await engine.begin();
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** Starts the daemon; also again, when it was killed. */
  async begin(): Promise<void> {
    const { folder, settings } = this;
    // One that was killed left its number, which another process may have by now.
    for (const left of ['pid', CONTAINERD]) await rm(join(folder, left), { force: true });
    const daemon = spawn(
      'dockerd',
      [
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '--host', `unix://${folder}/docker.sock`],
        // Engines of two specs at once would have one default bridge, and one firewall, whose rules
        // each of them removes at its start.
        ...['--bridge', 'none', '--iptables=false'],
        ...settings,
      ],
      // Compressing and gathering what it says is not needed: a failed start prints the end of it.
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.daemon = daemon;
    let said = '';
    daemon.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    await eventually(async () => {
      if (daemon.exitCode !== null) throw new Error(`dockerd ended:\n${said}`);
      return this.docker('version').then(
        () => true,
        () => undefined,
      );
    }, 60_000);
  }

  /** Ends the daemon in order: it ends its containers first. `begin` starts it again. */
  async end(): Promise<void> {
    await endChild(this.daemon);
  }

  /** Lets a group use its socket; `--group` of the settings must name it. */
  async open(): Promise<void> {
    await chmod(this.folder, 0o711);
  }

  /** Ends the daemon and its containerd at once; programs in containers live on. */
  async kill(): Promise<void> {
    if (this.daemon?.exitCode !== null || this.daemon.signalCode !== null) return;
    const containerd = Number(await readFile(join(this.folder, CONTAINERD), 'utf8'));
    await endChild(this.daemon, 'SIGKILL');
    try {
      process.kill(containerd, 'SIGKILL');
    } catch (error) {
      // It may die with the daemon.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Of its API, as `DOCKER_HOST` has it. */
  get host(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  /** Environment by which docker and docker-compose find this engine. */
  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      DOCKER_HOST: this.host,
      // The classic builder: BuildKit's frontend would come from a registry.
      DOCKER_BUILDKIT: '0',
    };
  }

  /** Runs `docker`; its standard output. Rejects with what it said. */
  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', args, {
      env: this.environment,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trim();
  }

  /** Ids of its containers, running or not, and of networks that groups have. */
  async leftovers(): Promise<string> {
    const containers = await this.docker('ps', '--all', '--quiet');
    const networks = ['network', 'ls', '--quiet', '--filter', 'label=millrace.group'];
    return `${containers}${await this.docker(...networks)}`;
  }

  /** An image of a root filesystem in a folder. */
  async importRoot(folder: string, image: string, changes: readonly string[]): Promise<void> {
    const flags = changes.flatMap((change) => ['--change', change]);
    const tar = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const docker = spawn('docker', ['import', ...flags, '-', image], {
      env: this.environment,
      stdio: [tar.stdout, 'ignore', 'inherit'],
    });
    const [code] = (await once(docker, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`docker import ended with ${code}`);
  }

  /** Ends all containers and the daemon, and removes everything of it. */
  async stop(): Promise<void> {
    await stopAll(
      async () => {
        // One that was killed, or never came up, has nothing that could be asked for.
        if (await this.isRunning()) await this.removeContainersAndNetworks();
      },
      () => endChild(this.daemon),
      // A daemon that was ended in the middle leaves mounts, over which `rm` must not go.
      () => removeTree(this.folder),
    );
  }

  private isRunning(): Promise<boolean> {
    return this.docker('version').then(
      () => true,
      () => false,
    );
  }

  /**
   * Bridges of networks outlive their daemon, and with each the machine has addresses for one
   * network less, of about 30.
   */
  private async removeContainersAndNetworks(): Promise<void> {
    await this.removeAll(['ps', '--all', '--quiet'], ['rm', '--force']);
    const custom = ['network', 'ls', '--quiet', '--filter', 'type=custom'];
    await this.removeAll(custom, ['network', 'rm']);
  }

  private async removeAll(list: readonly string[], remove: readonly string[]): Promise<void> {
    await eventually(async () => {
      const left = await this.docker(...list);
      if (left === '') return true;
      // It fails for what a launcher removes at this moment: what is left then is seen here again.
      await this.docker(...remove, ...left.split('\n')).catch(() => undefined);
      return undefined;
    });
  }
}
