import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ImageRegistry } from '../support/image-registry.js';
import { makeNodeStepImage } from '../support/language-images.js';
import { type ExecutionBody, MillraceServer, type StepBody } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { PublishedProjects } from '../support/published-projects.js';
import { SteadyRequests } from '../support/steady-requests.js';
import { makeStepImage } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

interface ReasonBody {
  readonly code: string;
  readonly message: string;
}
interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: ReasonBody;
  readonly release: { readonly status: string; readonly commit: string | null } | null;
}
interface HealthBody {
  readonly status: string;
  readonly changes: readonly { readonly to: string; readonly reason: ReasonBody }[];
  readonly probes: readonly { readonly url: string; readonly failure: string | null }[];
}

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
};
const RUN_MS = 90_000;

/** The way that somebody new goes, with the project and the pipelines of `first-user/shop`. */
describeWith(PROGRAMS, { root: true }, "the first user's pipeline", () => {
  let engine: DockerEngine;
  let registry: ImageRegistry;
  let projects: PublishedProjects;
  let server: MillraceServer;
  let url: string;
  let pipeline: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await buildCaddy();
    registry = await ImageRegistry.start();
    // In the place of Docker Hub: what `pull: always` fetches.
    engine = await DockerEngine.start(['--registry-mirror', `http://${registry.host}`]);
    [projects, server] = await Promise.all([
      PublishedProjects.start(
        join(__dirname, 'first-user'),
        ['shop', 'containers'],
        'https://git.example/acme',
        {
          'registry.example': registry.host,
          'publish: 8080': `publish: ${port}`,
        },
      ),
      MillraceServer.start({ environment: { DOCKER_HOST: engine.host } }),
      makeNodeStepImage(engine, 'node:24').then(pushBase),
      makeRatesImage(),
    ]);
    pipeline = await server.createPipeline(await projects.text('shop'));
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
      () => registry.stop(),
      () => projects.stop(),
    );
  });

  /** What the Dockerfile begins from: in the registry. */
  const pushBase = async (): Promise<void> => {
    const base = `${registry.host}/base/node:24`;
    await engine.docker('tag', 'node:24', base);
    await engine.docker('push', base);
  };
  const makeRatesImage = (): Promise<void> =>
    makeStepImage(
      engine,
      'rates:1',
      ['CMD ["httpd", "-f", "-p", "8080", "-h", "/srv"]'],
      fillRates,
    );
  const fillRates = async (root: string): Promise<void> => {
    await mkdir(join(root, 'srv'));
    await writeFile(join(root, 'srv/chf'), '0.95');
  };

  const execute = async (id: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(id), RUN_MS);
  /** Its log, which is also what a failure shows. */
  const succeeded = async (execution: ExecutionBody): Promise<string> => {
    const text = await server.logText(execution.id);
    if (execution.status !== 'success') throw new Error(`${JSON.stringify(execution)}\n${text}`);
    return text;
  };
  const step = ({ stages }: ExecutionBody, name: string): StepBody => {
    const found = stages.flatMap(({ steps }) => steps).find((one) => one.name === name);
    if (!found) throw new Error(`no step ${name}`);
    return found;
  };
  const deploymentOf = (execution: ExecutionBody): Promise<DeploymentBody> =>
    server.call(
      'GET',
      `/api/deployments/${step(execution, 'ship').attempts[0]?.deployment?.id ?? ''}`,
    );
  const explained = async (id: string): Promise<readonly string[]> => {
    const path = `/api/deployments/${id}/explain`;
    const { parts } = await server.call<{ parts: readonly ReasonBody[] }>('GET', path);
    return parts.map(({ code, message }) => `${code}: ${message}`);
  };
  const served = async (): Promise<string> => (await fetch(url)).text();

  it('tests, builds, pushes and deploys a commit, which is then found and watched', async () => {
    const execution = await execute(pipeline);
    const text = await succeeded(execution);
    const commit = projects.commit('shop');
    expect(execution.commit?.sha).toBe(commit);
    expect(text).toMatch(/pass 2\n/);
    const { digest } = step(execution, 'image').outputs;
    const manifest = await fetch(`http://${registry.host}/v2/team/shop/manifests/${digest}`);
    expect(manifest.status).toBe(200);

    expect(await served()).toBe(`shop of ${commit}`);
    const deployment = await deploymentOf(execution);
    expect(deployment).toMatchObject({
      ...{ status: 'success', reason: { code: 'release_serves' } },
      release: { status: 'serving', commit },
    });
    const why = await explained(deployment.deployment_id);
    expect(why.join('\n')).toMatch(/asked_by_step.*\n(.*\n)*gate_passed.*\n(.*\n)*release_serves/);

    // Its checks need a moment to decide.
    const found = await eventually(() =>
      server.call<{ endpoints: unknown }>('GET', '/api/discovery/shop').catch(() => undefined),
    );
    expect(found.endpoints).toEqual([url]);
    const smoke = await execute(
      await server.createPipeline(await projects.text('shop', 'smoke.yml')),
    );
    await succeeded(smoke);
    expect(step(smoke, 'ask').outputs).toEqual({ url, answer: `shop of ${commit}` });
  });

  it('refuses a commit that answers 500, says so, and serves the first one on', async () => {
    const good = `shop of ${projects.commit('shop')}`;
    const asked = new SteadyRequests(url, 20, (body) => body === good);
    const text = await projects.text('shop', 'server.js');
    const broken = text.replace('if (', 'response.statusCode = 500;\n    if (');
    const commit = await projects.push('shop', 'server.js', broken);
    const execution = await execute(pipeline);
    expect((await asked.stop()).failed).toEqual(new Map());
    expect(execution).toMatchObject({
      ...{ status: 'failed', commit: { sha: commit } },
      failure: { stage: 'ship', step: 'ship' },
    });
    expect(step(execution, 'unit').status).toBe('success');

    const deployment = await deploymentOf(execution);
    expect(deployment).toMatchObject({
      ...{ status: 'failed', reason: { code: 'gate_failed' } },
      release: { status: 'failed', commit },
    });
    expect(deployment.reason.message).toContain('500');
    const why = await explained(deployment.deployment_id);
    expect(why).toContainEqual(expect.stringMatching(/^gate_not_passed: .*500/));
    expect(why.at(-1)).toBe('serves_now: release 1 serves');
    expect(await served()).toBe(good);
  });

  it('runs examples/containers.yaml, with small images of the names that it has', async () => {
    const takes = (port: number): string => `CMD ["httpd", "-f", "-p", "${port}"]`;
    const program =
      (name: string, text: string) =>
      async (root: string): Promise<void> => {
        await writeFile(join(root, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      };
    const ready = 'test "$*" = "-U postgres" && netstat -ltn | grep -q ":5432 "';
    const serve = 'test "$*" = "file-server --root /usr/share/caddy --listen :8080" || exit 1';
    const httpd =
      'mkdir /tmp/www; echo hello >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www';
    await makeStepImage(engine, 'postgres:17', [takes(5432)], program('pg_isready', ready));
    await makeStepImage(engine, 'caddy:2', [], program('caddy', `${serve}\n${httpd}`));
    await makeStepImage(engine, 'valkey/valkey:8', [takes(6379)]);
    await makeStepImage(engine, 'memcached:1', [takes(11211)]);
    await makeStepImage(engine, 'alpine:3');
    await engine.docker('tag', 'node:24', 'node:22');
    for (const name of ['caddy:2', 'alpine:3']) {
      const pushed = `${registry.host}/library/${name}`;
      await engine.docker('tag', name, pushed);
      await engine.docker('push', pushed);
      await engine.docker('rmi', name, pushed);
    }
    for (const name of ['REGISTRY_USER', 'REGISTRY_PASSWORD', 'WEB_TOKEN', 'NPM_TOKEN']) {
      await server.call('PUT', `/api/secrets/${name}`, { value: `${name} of the example` });
    }
    const example = await readFile(join(packageRoot(), 'examples/containers.yaml'), 'utf8');
    const id = await server.trigger(
      await server.createPipeline(example.replaceAll('registry.example.com', registry.host)),
      { repository: projects.url('containers') },
    );
    const text = await succeeded(await server.finished(id, RUN_MS));
    expect(text).toMatch(/pass 4\n/);
    expect(text).toContain('no network here\n');
    const built = `${registry.host}/team/app:1.0`;
    await engine.docker('pull', built);
    expect(await engine.docker('run', '--rm', '--network', 'none', built)).toBe('1.0');
  });

  it('tells how it was, also when whoever has looked has ended', async () => {
    const path = '/api/services/default%2Fshop/health?resolution=raw';
    const health = (): Promise<HealthBody> => server.call('GET', path);
    await eventually(async () => (await health()).status === 'running' || undefined);
    for (const worker of server.workers) await worker.end();
    const { changes, probes } = await health();
    expect(changes.at(-1)).toMatchObject({ to: 'starting' });
    expect(changes).toContainEqual(
      expect.objectContaining({
        to: 'running',
        reason: expect.objectContaining({ code: 'checks_pass' }) as unknown,
      }),
    );
    expect(probes.length).toBeGreaterThan(1);
    expect(probes.filter((one) => one.url !== url || one.failure !== null)).toEqual([]);
  });
});
