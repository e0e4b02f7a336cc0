import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';
import { removeTree } from './remove-tree.js';

const run = promisify(execFile);

/**
 * A Docker Engine of a test's own: its images, containers and networks are gone with it. Needs
 * root.
 */
export class DockerEngine {
  private constructor(
    private readonly daemon: ChildProcess,
    private readonly folder: string,
  ) {}

  /** @param settings further arguments of `dockerd` */
  static async start(settings: readonly string[] = []): Promise<DockerEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-docker-'));
    const daemon = spawn(
      'dockerd',
      [
        ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['--pidfile', join(folder, 'pid'), '--host', `unix://${folder}/docker.sock`],
        // Engines of two specs at once would have one default bridge.
        ...['--bridge', 'none'],
        ...settings,
      ],
      // Compressing and gathering what it says is not needed: a failed start prints the end of it.
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    daemon.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    const engine = new DockerEngine(daemon, folder);
    try {
      await eventually(async () => {
        if (daemon.exitCode !== null) throw new Error(`dockerd ended:\n${said}`);
        return engine.docker('version').then(
          () => true,
          () => undefined,
        );
      }, 60_000);
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** Of its API, as `DOCKER_HOST` has it. */
  get host(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  get pid(): number {
    return this.daemon.pid ?? 0;
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
    const left = await this.docker('ps', '--quiet').catch(() => '');
    if (left !== '') await this.docker('kill', ...left.split('\n')).catch(() => '');
    if (this.daemon.exitCode === null) {
      this.daemon.kill('SIGTERM');
      await once(this.daemon, 'exit');
    }
    // A daemon that was ended in the middle leaves mounts, over which `rm` must not go.
    await removeTree(this.folder);
  }
}
