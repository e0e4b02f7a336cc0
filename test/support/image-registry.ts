import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

/** Who may use a registry with a log-in. */
export const REGISTRY_LOGIN = { username: 'robot', password: 'registry-password' };
/** By bcrypt, the only form that the registry reads; of the cheapest kind. */
const PASSWORDS = 'robot:$2y$04$qVUKgneyBDWaLzof46l2tes9bovRM3HTNQHUAuCG5Xg5yP9LYEgwe\n';

/** A registry of images on loopback, which engines use without TLS: Debian's docker-registry. */
export class ImageRegistry {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Host and port. */
    readonly host: string,
  ) {}

  static async start({ withLogin = false } = {}): Promise<ImageRegistry> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-registry-'));
    const host = `127.0.0.1:${await freePort()}`;
    await writeFile(join(folder, 'passwords'), PASSWORDS);
    const auth = { htpasswd: { realm: 'images', path: join(folder, 'passwords') } };
    const settings = {
      version: 0.1,
      log: { accesslog: { disabled: true }, level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'images') }, delete: { enabled: true } },
      http: { addr: host },
      ...(withLogin && { auth }),
    };
    // JSON is YAML.
    await writeFile(join(folder, 'settings.yml'), JSON.stringify(settings));
    const child = spawn('docker-registry', ['serve', join(folder, 'settings.yml')], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
    });
    const registry = new ImageRegistry(child, folder, host);
    await eventually(async () => {
      const status = await registry.status('/v2/').catch(() => 0);
      return status === (withLogin ? 401 : 200) || undefined;
    }, 30_000);
    return registry;
  }

  /** Of an answer without a log-in. */
  async status(path: string): Promise<number> {
    return (await fetch(`http://${this.host}${path}`)).status;
  }

  async stop(): Promise<void> {
    await endChild(this.child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
