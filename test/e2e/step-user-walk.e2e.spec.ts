import { execFileSync } from 'node:child_process';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
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
done`;
/** The same, by what a program does: tries to connect to each path of a variable. */
const CONNECT = `for (const path of process.env.PATHS.split('\\n')) {
  const socket = require('node:net').connect(path, () => {
    console.log('connects ' + path);
    socket.destroy();
  });
  socket.on('error', () => undefined);
}`;
const FOLDERS = ['caddy', 'services', 'service-releases'];

/** Names of all that is in a folder, and its own. */
const find = (...args: string[]): string[] =>
  execFileSync('find', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\n')
    .filter(Boolean);

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
    return execFileSync('/bin/sh', ['-c', `${TRY}; exit 0`], options)
      .split('\n')
      .filter(Boolean);
  }

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

asRoot('what a step can do with what was deployed, as root', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    await buildCaddy();
    server = await MillraceServer.start();
  }, CADDY_BUILD_MS);
  afterAll(() => server.stop());

  it('is nothing: it reads, lists, writes and reaches none of it, though it knows each name', async () => {
    const shipped = await server.run(`name: shop
steps:
  - name: build
    run: mkdir -p out/config && echo of-the-shop >out/config/.env
  - name: ship
    deploy:
      type: local_service
      service: shop
      source: out
      run: [${JSON.stringify(process.execPath)}, -e, "require('http').createServer((_, a) => a.end()).listen(process.env.PORT, '127.0.0.1')"]
      publish: ${await freePort()}
      gate: { path: /, stable: 200ms }
`);
    expect(shipped.status).toBe('success');
    const paths = find(...FOLDERS.map((name) => join(server.home, name)));
    for (const end of ['/config/.env', '/control.sock', '/admin.sock', '/upstreams']) {
      expect(paths.some((path) => path.endsWith(end))).toBe(true);
    }
    const walk = await server.run(`name: walk
steps:
  - name: walk
    environment: { PATHS: ${JSON.stringify(paths.join('\n'))} }
    run:
      - ${JSON.stringify(`id -un; printf '%s\n' "$PATHS" | { ${TRY}; exit 0; }`)}
      - ${JSON.stringify(`${process.execPath} -e '${CONNECT.replaceAll("'", '"')}' && echo walked`)}
`);
    const text = await server.logText(walk.id);
    expect(text).toMatch(/millrace-step\n(.*\n)*walked/);
    // That there is a supervisor is no secret: it is called by those who may.
    const seen = text.split('\n').filter((line) => /(reads|writes|connects) \//.test(line));
    expect(seen).toEqual([]);
  });
});
