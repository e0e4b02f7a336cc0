import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerEngine } from './docker-engine.js';

const run = promisify(execFile);
const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt';

/**
 * Makes what `node:24-bookworm-slim` is, without a registry: a minimal Debian with this machine's
 * Node and npm, its apt sources and its certificate authorities.
 */
export async function makeNodeImage(engine: DockerEngine, image: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-rootfs-'));
  try {
    const release = /^VERSION_CODENAME=(\w+)$/m.exec(
      await readFile('/etc/os-release', 'utf8'),
    )?.[1];
    await run(
      'debootstrap',
      ['--variant=minbase', '--include=ca-certificates', release ?? 'bookworm', root],
      { maxBuffer: 16 * 1024 * 1024 },
    );
    await addNode(join(root, 'usr/local'));
    await cp(join('/', CERTIFICATES), join(root, CERTIFICATES));
    await engine.importRoot(root, image, [
      'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      `ENV NODE_EXTRA_CA_CERTS=/${CERTIFICATES}`,
    ]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Puts this machine's Node and npm below a prefix. */
export async function addNode(prefix: string): Promise<void> {
  const modules = join(prefix, 'lib/node_modules');
  await mkdir(modules, { recursive: true });
  await cp(await realpath(process.execPath), join(prefix, 'bin/node'));
  await cp(await npmFolder(), join(modules, 'npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(prefix, 'bin/npm'));
}

/** The folder of the npm on the PATH, which need not stand beside the Node on the PATH. */
async function npmFolder(): Promise<string> {
  const folders = (process.env['PATH'] ?? '').split(':');
  const program = folders.map((folder) => join(folder, 'npm')).find((path) => existsSync(path));
  if (program === undefined) throw new Error('npm is not on the PATH');
  const folder = dirname(dirname(await realpath(program)));
  if ((await readdir(folder)).includes('bin')) return folder;
  throw new Error(`npm is not whole in ${folder}`);
}
