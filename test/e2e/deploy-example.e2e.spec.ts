import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { freePort } from '../support/free-port.js';
import { GitSshServer } from '../support/git-ssh-server.js';
import { ImageRegistry } from '../support/image-registry.js';
import { makeNodeStepImage } from '../support/language-images.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
  sshd: 'openssh-server',
};
const RUN_MS = 240_000;
const NODE = process.execPath;

/** Answers with its name, and at `/healthz` as the gate of the example wants it. */
const program = (name: string): string =>
  `require('node:http').createServer(({ url }, answer) => answer.end(url === '/healthz' ? 'ok' : '${name}'))` +
  `.listen(process.env.PORT ?? 3000, process.env.HOST ?? '0.0.0.0');`;

/** What the steps of the example deploy: by its own pipeline, in a stage before the others. */
const SOURCES = `set -e
mkdir -p dist api tool
echo shop >dist/index.html
echo '{}' >dist/app.js.map
printf %s "$WEB" >dist/server.js
printf %s "$API" >api/server.js
printf 'FROM node:24\\nWORKDIR /app\\nCOPY . .\\nCMD ["node", "server.js"]\\n' >api/Dockerfile
printf '#!/bin/sh\\ntest -n "$DATABASE_URL" && echo migrated\\n' >api/migrate
printf '#!/bin/sh\\nexit 0\\n' >api/check-queue
printf %s "$API" >tool/server.js
printf 'FROM node:24\\nEXPOSE 3000\\nCOPY . .\\nCMD ["node", "server.js"]\\n' >tool/Dockerfile
for part in front back; do
  printf '#!/bin/sh\\nexec ${NODE} %s.js\\n' $part >$part
  printf %s "$PART" >$part.js
done
chmod +x api/migrate api/check-queue front back`;

/**
 * `examples/deploy.yaml`, with the hosts of this spec in the place of those that it names. What is
 * published by a domain is published by a port here: nobody gives a certificate for `shop.example`.
 */
describeWith(PROGRAMS, { root: true }, 'examples/deploy.yaml', () => {
  let folder: string;
  let engine: DockerEngine;
  let registry: ImageRegistry;
  let sshd: GitSshServer;
  let server: MillraceServer;
  let ports: { readonly api: number; readonly web: number };

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-example-')));
    chmodSync(folder, 0o755);
    ports = { api: await freePort(), web: await freePort() };
    await buildCaddy();
    registry = await ImageRegistry.start();
    sshd = await GitSshServer.start();
    engine = await DockerEngine.start();
    const environment = {
      ...{ DOCKER_HOST: engine.host, DEPLOY_FOLDERS: folder },
      ALLOW_PRIVATE_URLS: '127.0.0.1',
    };
    server = await MillraceServer.start({ environment });
    await makeNodeStepImage(engine, 'node:24');
    await makeStepImage(engine, 'shop-worker:1', ['EXPOSE 8080'], async (root) => {
      await mkdir(join(root, 'srv'));
      await writeFile(join(root, 'srv/index.html'), 'worker');
      const work = '#!/bin/sh\nexec httpd -f -p 8080 -h /srv\n';
      await writeFile(join(root, 'bin/work'), work, { mode: 0o755 });
    });
    await engine.docker('tag', 'shop-worker:1', `${registry.host}/shop-worker:1.0`);
    await engine.docker('push', `${registry.host}/shop-worker:1.0`);
    const secrets = {
      ...{ DEPLOY_KEY: sshd.key('user'), WEB_HOST: sshd.knownHosts() },
      DATABASE_URL: 'postgres://shop@db.example/shop',
    };
    for (const [name, value] of Object.entries(secrets)) {
      await server.call('PUT', `/api/secrets/${name}`, { value });
    }
  }, CADDY_BUILD_MS);
  afterAll(() =>
    stopAll(
      () => server.stop(),
      () => engine.stop(),
      () => registry.stop(),
      () => sshd.stop(),
      () => Promise.resolve(rmSync(folder, { recursive: true })),
    ),
  );

  /** With what is here. Whatever is to be replaced must be in the example. */
  async function example(): Promise<string> {
    let text = await readFile(join(packageRoot(), 'examples/deploy.yaml'), 'utf8');
    const here: readonly (readonly [string, string])[] = [
      ['path: /srv/www/shop', `path: ${join(folder, 'site')}`],
      ['path: /srv/www/shop', `path: ${join(folder, 'mirror')}`],
      ['host: web.example', 'host: 127.0.0.1'],
      ['port: 22', `port: ${String(sshd.port)}`],
      ['user: deploy', `user: ${userInfo().username}`],
      ['{ domain: shop.example, path: /api }', `{ port: ${String(ports.api)} }`],
      ['registry.example', registry.host],
      ['port: 8090', `port: ${String(ports.web)}`],
      ['node server.js', JSON.stringify([NODE, 'server.js'])],
      [
        'stages:\n',
        `stages:\n  - name: sources\n    steps: [${JSON.stringify({
          ...{ name: 'make', run: SOURCES },
          environment: { WEB: program('web'), API: program('api'), PART: program('part') },
        })}]\n`,
      ],
    ];
    for (const [from, to] of here) {
      expect(text).toContain(from);
      text = text.replace(from, () => to);
    }
    return text;
  }

  it(
    'puts everything into service',
    async () => {
      const execution = await server.run(await example(), {}, RUN_MS);
      const log = await server.logText(execution.id);
      const told = execution.status === 'success' ? '' : `${JSON.stringify(execution)}\n${log}`;
      expect(told).toBe('');
      expect(log).toContain('migrated\n');

      expect(readFileSync(join(folder, 'site/current/index.html'), 'utf8')).toBe('shop\n');
      expect(existsSync(join(folder, 'site/current/app.js.map'))).toBe(false);
      expect(existsSync(join(folder, 'site/shared/uploads'))).toBe(true);
      expect(readFileSync(join(folder, 'mirror/current/index.html'), 'utf8')).toBe('shop\n');
      const at = async (port: number, path = '/'): Promise<string> =>
        (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text();
      expect([await at(ports.api), await at(ports.api, '/healthz')]).toEqual(['api', 'ok']);
      expect(await at(ports.web)).toBe('web');

      const { items } = await server.call<{ items: readonly { readonly name: string }[] }>(
        'GET',
        '/api/services?limit=50',
      );
      expect(items.map(({ name }) => name).toSorted()).toEqual([
        ...['shop', 'shop-api', 'shop-back', 'shop-front', 'shop-mirror', 'shop-site'],
        ...['shop-tool', 'shop-web', 'shop-worker'],
      ]);
    },
    RUN_MS + 10_000,
  );
});
