import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { removeTree } from './remove-tree.js';

const run = promisify(execFile);

/** Podman's service of the Docker API with a store of a test's own. Needs root. */
export class PodmanEngine {
  private constructor(
    private readonly folder: string,
    private service: ChildProcess | undefined,
  ) {}

  /** @param registries hosts and ports that are asked without TLS */
  static async start(registries: readonly string[] = []): Promise<PodmanEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-podman-'));
    const store = `[storage]\ndriver = "vfs"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/graph"\n`;
    await writeFile(join(folder, 'storage.conf'), store);
    // Where the machine has no systemd, and root may not raise its own limits.
    const settings = '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\n';
    await writeFile(join(folder, 'containers.conf'), settings);
    const open = registries.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
    await writeFile(join(folder, 'registries.conf'), open.join(''));
    const engine = new PodmanEngine(folder, undefined);
    engine.service = spawn('podman', ['system', 'service', '--time', '0', engine.host], {
      env: engine.environment,
      stdio: 'ignore',
    });
    await eventually(() => existsSync(`${folder}/podman.sock`) || undefined, 60_000);
    return engine;
  }

  get host(): string {
    return `unix://${this.folder}/podman.sock`;
  }

  private get environment(): NodeJS.ProcessEnv {
    return {
      PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
      HOME: this.folder,
      CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
      CONTAINERS_REGISTRIES_CONF: join(this.folder, 'registries.conf'),
      CONTAINERS_CONF: join(this.folder, 'containers.conf'),
    };
  }

  /** Runs `podman`; its standard output. */
  async podman(...args: string[]): Promise<string> {
    const { stdout } = await run('podman', args, { env: this.environment });
    return stdout.trim();
  }

  /** Ids of its containers, running or not, and of networks that groups have. */
  async leftovers(): Promise<string> {
    const containers = await this.podman('ps', '--all', '--quiet');
    const networks = ['network', 'ls', '--quiet', '--filter', 'label=millrace.group'];
    return `${containers}${await this.podman(...networks)}`;
  }

  async importRoot(folder: string, image: string, changes: readonly string[]): Promise<void> {
    const archive = join(this.folder, 'image.tar');
    await run('tar', ['-C', folder, '-cf', archive, '.']);
    const flags = changes.flatMap((change) => ['--change', change]);
    await this.podman('import', '--quiet', ...flags, archive, `docker.io/library/${image}`);
  }

  async stop(): Promise<void> {
    await this.podman('rm', '--all', '--force', '--time', '0');
    await endChild(this.service);
    await removeTree(this.folder);
  }
}
