import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { defaultCache } from '../../src/config/paths.js';
import { CADDY_COMPONENT, installCaddy } from '../../src/embedded/caddy/caddy-install.js';
import { cachedComponent } from '../../src/embedded/system/component-cache.js';
import { makeNodeImage } from '../support/debian-image.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { describeWith } from '../support/needed-programs.js';
import { testServices } from '../support/services.js';

jest.setTimeout(1_500_000);

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const NODE_IMAGE = 'millrace-test-node:local';
const STAND_IN = 'millrace-test-stand-in:local';
const TOKEN = 'token-of-the-compose-spec-0123456789';
const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  'docker-compose': 'docker-compose',
  debootstrap: 'debootstrap',
  curl: 'curl',
  git: 'git',
};

/**
 * `Dockerfile` and `docker-compose.yml`, built and run by a Docker Engine of this spec. What comes
 * from a registry elsewhere is made here: the base image from packages of Debian, Redis and nginx
 * likewise; the database is that of the test run, behind the name `mongo`.
 */
describeWith(PROGRAMS, { root: true }, 'the image and docker-compose.yml', () => {
  let engine: DockerEngine;
  let folder: string;
  let httpsPort: number;
  let deployPort: number;
  let variables: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-compose-'));
    engine = await DockerEngine.start();
    await makeNodeImage(engine, NODE_IMAGE);
    await engine.docker(
      ...['build', '--quiet', '--network=host', `--build-arg=NODE_IMAGE=${NODE_IMAGE}`],
      ...['--tag=millrace:local', ROOT],
    );
    await mkdir(join(folder, 'empty'));
    await engine.docker(
      ...['build', '--quiet', '--network=host', `--build-arg=NODE_IMAGE=${NODE_IMAGE}`],
      ...['--file', join(ROOT, 'test/support/stand-in.Dockerfile'), `--tag=${STAND_IN}`],
      join(folder, 'empty'),
    );
    httpsPort = await freePort();
    deployPort = await freePort();
    variables = {
      MILLRACE_TOKEN: TOKEN,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      MONGODB_PASSWORD: 'not-used-by-the-stand-in',
      REDIS_PASSWORD: 'password-of-redis-in-this-spec',
      NODE_IMAGE,
      MONGO_IMAGE: STAND_IN,
      REDIS_IMAGE: STAND_IN,
      NGINX_IMAGE: STAND_IN,
      MILLRACE_HTTP_PORT: String(await freePort()),
      MILLRACE_HTTPS_PORT: String(httpsPort),
      MILLRACE_DEPLOY_PORTS: String(deployPort),
    };
    await writeProject();
    await giveCaddy();
    await compose('up', '--detach', '--no-build', '--scale', 'worker=3');
  });

  afterAll(async () => {
    await engine?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The project folder as a user has it: the compose file, what it mounts, and `.env`. */
  async function writeProject(): Promise<void> {
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    await run('cp', ['-r', join(ROOT, 'docker-compose.yml'), join(ROOT, 'deploy'), folder]);
    await writeFile(join(folder, '.env'), lines.join(''));
    await writeFile(join(folder, 'override.yml'), stringify(overrides()));
  }

  /** As after the first deployment, which builds the proxy: that takes minutes. */
  async function giveCaddy(): Promise<void> {
    const source = await cachedComponent({
      ...{ cache: defaultCache(), env: process.env, name: CADDY_COMPONENT },
      progress: () => undefined,
      make: (root) => installCaddy(root, { env: process.env, progress: () => undefined }),
    });
    const copy = 'mkdir -p /data/.cache/millrace && cp -r /caddy /data/.cache/millrace/"$1"';
    await compose(
      ...['run', '--rm', '--no-deps', '--volume', `${source}:/caddy:ro`, '--entrypoint', 'sh'],
      ...['services', '-c', copy, 'copy', CADDY_COMPONENT],
    );
  }

  function overrides(): unknown {
    const { mongodbUri, databaseName } = testServices();
    const socket = /^mongodb:\/\/(%2F[^/]+\.sock)\//.exec(mongodbUri)?.[1];
    if (socket === undefined) {
      throw new Error('this spec needs the embedded database of the tests, on a unix socket');
    }
    const path = decodeURIComponent(socket);
    const environment = {
      MONGODB_URI: 'mongodb://mongo:27017/?directConnection=true&retryWrites=false',
      MONGODB_DATABASE: databaseName,
    };
    const forward = `const net = require('node:net');
      net.createServer((client) => {
        const store = net.connect('/stores/${basename(path)}');
        client.pipe(store).pipe(client);
        client.on('error', () => store.destroy());
        store.on('error', () => client.destroy());
      }).listen(27017)`;
    const ask = `require('node:net').connect(27017).on('connect', () => process.exit(0)).on('error', () => process.exit(1))`;
    const names = ['HOST', 'UPSTREAM', 'TLS', 'HTTP_PORT', 'HTTPS_PORT', 'RESOLVER'];
    const filled = names.map((name) => `$$MILLRACE_${name}`).join(' ');
    return {
      services: {
        api: { environment },
        worker: { environment },
        mongo: {
          command: ['node', '-e', forward],
          volumes: [`${dirname(path)}:/stores`],
          healthcheck: { test: ['CMD', 'node', '-e', ask] },
        },
        // What the entrypoint of the nginx image does.
        proxy: {
          command: [
            'sh',
            '-c',
            `envsubst '${filled}' </etc/nginx/templates/default.conf.template >/etc/nginx/conf.d/millrace.conf &&
             rm -f /etc/nginx/sites-enabled/default && exec nginx -g 'daemon off;'`,
          ],
        },
      },
    };
  }

  async function compose(...args: string[]): Promise<string> {
    const files = ['-p', 'millrace', '-f', 'docker-compose.yml', '-f', 'override.yml'];
    const { stdout } = await run('docker-compose', [...files, ...args], {
      cwd: folder,
      env: engine.environment,
    });
    return stdout.trim();
  }

  async function curl(path: string, ...flags: string[]): Promise<string> {
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--insecure', '--http2', '--max-time', '60'],
      ...['--header', `Authorization: Bearer ${TOKEN}`, ...flags],
      `https://localhost:${httpsPort}${path}`,
    ]);
    return stdout;
  }

  async function json<T>(path: string, ...flags: string[]): Promise<T> {
    return JSON.parse(await curl(path, ...flags)) as T;
  }

  const container = async (service: string): Promise<string> =>
    (await compose('ps', '--quiet', service)).split('\n')[0] ?? '';

  async function trigger(yaml: string): Promise<string> {
    const body = JSON.stringify({ yaml_content: yaml });
    const { id } = await json<{ id: string }>('/api/ci/pipelines', '--json', body);
    const path = `/api/ci/pipelines/${id}/trigger`;
    return (await json<{ execution_id: string }>(path, '--json', '{}')).execution_id;
  }

  it('serves over TLS and HTTP/2, with three workers', async () => {
    await eventually(async () => (await workers()).length === 3 || undefined, 60_000);
    const shown = await curl(
      '/api/health/ready',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_version} %{http_code}',
    );
    expect(shown).toBe('2 200');
    const found = await workers();
    expect(found.map(({ host }) => host)).toEqual(['millrace', 'millrace', 'millrace']);
    expect(new Set(found.map(({ name }) => name)).size).toBe(3);
  });

  async function workers(): Promise<{ host: string; name: string }[]> {
    return json('/api/workers');
  }

  describe('what is deployed as a program', () => {
    const program = `require('node:http').createServer(({ url }, answer) => {
      if (url !== '/stream') return answer.end(process.pid + '.' + Math.round(performance.timeOrigin));
      setInterval(() => answer.write('still here\\n'), 100);
    }).listen(process.env.PORT, '127.0.0.1')`;

    const deploy = async (): Promise<string> => {
      const deploy = {
        ...{ type: 'local_service', service: 'shop', source: 'out', drain: '1s' },
        run: ['node', 'server.js'],
        publish: { port: deployPort, address: '0.0.0.0' },
        gate: { path: '/', stable: '500ms' },
      };
      const run = 'mkdir out && printf %s "$PROGRAM" >out/server.js';
      const steps = [
        { name: 'build', environment: { PROGRAM: program }, run },
        { name: 'ship', deploy },
      ];
      const id = await trigger(stringify({ name: 'shop', steps }));
      const path = `/api/ci/executions/${id}`;
      const { status } = await eventually(async () => {
        const now = await json<{ status: string }>(path);
        return ['pending', 'running'].includes(now.status) ? undefined : now;
      }, 300_000);
      return status;
    };
    const served = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${deployPort}/`);
      if (!answer.ok) throw new Error(`the route answers ${answer.status}`);
      return answer.text();
    };
    const servedSoon = (): Promise<string> =>
      eventually(() => served().catch(() => undefined), 120_000);

    it('serves while all workers are replaced, and is of the host of the new ones', async () => {
      expect(await deploy()).toBe('success');
      const first = await served();
      const stream = (await fetch(`http://127.0.0.1:${deployPort}/stream`)).body?.getReader();
      const before = (await compose('ps', '--quiet', 'worker')).split('\n');
      await compose(
        ...['up', '--detach', '--no-build', '--no-deps', '--force-recreate'],
        ...['--scale', 'worker=3', 'api', 'worker'],
      );
      const after = (await compose('ps', '--quiet', 'worker')).split('\n');
      expect(after.filter((id) => before.includes(id))).toEqual([]);
      expect(await served()).toBe(first);
      expect((await stream?.read())?.done).toBe(false);
      await stream?.cancel();
      expect(await eventually(() => deploy().catch(() => undefined), 120_000)).toBe('success');
      expect(await servedSoon()).not.toBe(first);
    });

    it('is there again, by itself, when its own container was replaced', async () => {
      const before = await servedSoon();
      await compose('stop', 'worker');
      await compose('stop', 'services');
      const log = await run('docker', ['logs', await container('services')], {
        env: engine.environment,
      });
      expect(log.stderr).toContain('was ended for now');
      await compose(
        ...['up', '--detach', '--no-build', '--no-deps', '--force-recreate'],
        ...['--scale', 'worker=3', 'services', 'worker'],
      );
      expect(await servedSoon()).not.toBe(before);
    });
  });

  it('starts from the bundles, with what V8 has compiled of them', async () => {
    const look = `const { findBundle } = await import('/app/dist/config/bundle.js');
      console.log(findBundle('/app/dist', 'main')?.isCached, findBundle('/app/dist', 'worker')?.isCached)`;
    const asked = ['run', '--rm', '--entrypoint=node', 'millrace:local', '--input-type=module'];
    expect((await engine.docker(...asked, '--eval', look)).trim()).toBe('true true');
  });

  it('runs a pipeline and streams it', async () => {
    const id = await trigger(
      'name: hello\nstages:\n  - name: a\n    steps:\n      - { name: b, run: "echo from $(id -u)" }\n',
    );
    const events = await curl(`/api/ci/executions/${id}/events`, '--no-buffer');
    expect(events).toContain('from 10001');
    expect(events).toMatch(/event: done\ndata: .*"status":"success"/);
  });

  it('has no root and no secret in any environment that a step can read', async () => {
    const id = await trigger(
      "name: spy\nstages:\n  - name: a\n    steps:\n      - { name: b, run: \"id -u; cat /proc/[0-9]*/environ | tr '\\\\0' '\\\\n'; for fd in /proc/1/fd/[3-9]; do readlink $fd; done; grep Cap /proc/self/status; touch /app/x || echo read-only\" }\n",
    );
    await curl(`/api/ci/executions/${id}/events`, '--no-buffer');
    const log = await curl(`/api/ci/executions/${id}/logs`, '--header', 'Accept: text/plain');
    expect(log).toContain('read-only');
    expect(log).toMatch(/CapBnd:\s+0{16}/);
    expect(log).toContain('MILLRACE_GROUP');
    expect(log).not.toContain(TOKEN);
    expect(log).not.toContain('password-of-redis');
    expect(log).not.toContain('27017');
  });

  it('collects the orphans of steps', async () => {
    const id = await trigger(
      'name: orphan\nruns_on: [linux]\nstages:\n  - name: a\n    steps:\n      - { name: b, run: "(setsid sleep 0.2 &) ; exit 0" }\n',
    );
    await curl(`/api/ci/executions/${id}/events`, '--no-buffer');
    const ids = (await compose('ps', '--quiet', 'worker', 'services')).split('\n');
    await eventually(async () => {
      const tables = await Promise.all(
        ids.map((one) => engine.docker('top', one, '-o', 'pid,stat,args')),
      );
      return tables.every((table) => !/\sZ/.test(table)) || undefined;
    });
  });

  it('keeps Redis from evicting, with an append-only file and a password', async () => {
    const redis = await container('redis');
    const ask = (...args: string[]): Promise<string> =>
      engine.docker(
        'exec',
        redis,
        'sh',
        '-c',
        `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli ${args.join(' ')}`,
      );
    expect(await ask('config', 'get', 'maxmemory-policy')).toContain('noeviction');
    expect(await ask('config', 'get', 'appendonly')).toContain('yes');
    expect(await engine.docker('exec', redis, 'redis-cli', 'ping')).toContain('NOAUTH');
  });

  it('stops in order: nothing is cut, nothing is killed', async () => {
    const ids = (await compose('ps', '--quiet', 'worker', 'api', 'services')).split('\n');
    await compose('stop', 'worker', 'api');
    await compose('stop', 'services');
    const codes = await Promise.all(
      ids.map((id) => engine.docker('inspect', '--format', '{{.State.ExitCode}}', id)),
    );
    expect(codes).toEqual(ids.map(() => '0'));
  });

  it('refuses to start without its secrets, and says how to make them', async () => {
    await writeFile(join(folder, '.env'), '');
    await expect(compose('config')).rejects.toThrow(/set MONGODB_PASSWORD in \.env/);
  });
});
