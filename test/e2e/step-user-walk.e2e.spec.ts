import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCache } from '../../src/config/paths.js';
import { startEmbedded, type EmbeddedServices } from '../../src/embedded/start-embedded.js';
import { ensureStepUser } from '../../src/integrations/process/client/step-user.js';

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

/**
 * Prints what the caller can do with each path of standard input: read and list, write; sockets: be
 * reached.
 */
const TRY = `while IFS= read -r path; do
  [ -r "$path" ] && echo "reads $path"
  [ -w "$path" ] && echo "writes $path"
  [ -S "$path" ] && echo "reaches $path"
done; exit 0`;

asRoot('what a step can do with the files of the embedded services, as root', () => {
  let folder: string;
  let services: EmbeddedServices;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-walk-'));
    await chmod(folder, 0o755);
    services = await startEmbedded({
      home: join(folder, 'home'),
      cache: defaultCache(),
      durability: 'durable',
      need: { redis: true, database: true },
      env: process.env,
      progress: () => undefined,
    });
  }, 300_000);

  afterAll(async () => {
    await services?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** `paths` are found as root: the step user knows every name. */
  async function tryAll(paths: readonly string[]): Promise<string[]> {
    const { uid, gid } = (await ensureStepUser()) ?? { uid: -1, gid: -1 };
    const options = { input: `${paths.join('\n')}\n`, encoding: 'utf8', uid, gid } as const;
    return execFileSync('/bin/sh', ['-c', TRY], options).split('\n').filter(Boolean);
  }

  const find = (...args: string[]): string[] =>
    execFileSync('find', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
      .split('\n')
      .filter(Boolean);

  it('is nothing: it reads, lists, writes and reaches none of the data and sockets', async () => {
    const home = find(join(folder, 'home'));
    const sockets = decodeURIComponent(
      /mongodb:\/\/([^/?]+)/.exec(services.mongodbUri ?? '')?.[1] ?? '',
    );
    const runtime = find(join(sockets, '..'));
    expect(home.some((path) => path.endsWith('/embedded/lock'))).toBe(true);
    expect(runtime.some((path) => path.endsWith('/redis.sock'))).toBe(true);
    expect(await tryAll([...home, ...runtime])).toEqual([]);
  });

  it('is writing nothing in the cache of programs', async () => {
    const can = await tryAll(find(defaultCache(), '-not', '-type', 'l'));
    expect(can.filter((line) => line.startsWith('writes'))).toEqual([]);
  });
});
