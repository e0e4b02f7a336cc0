import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStopped } from '../../src/common/child-process/process-stat.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

jest.setTimeout(400_000);

const END_MS = 150_000;
const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** Where a deployment is stopped, and which release serves when all is over. */
const POINTS = [
  ['release_prepared', 'old'],
  ['instance_started', 'old'],
  ['gate_passed', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
] as const;

interface DeploymentBody {
  readonly deployment_id: string;
  readonly execution_id: string | null;
  readonly status: string;
  readonly reason: { readonly code: string };
  readonly release: { readonly number: number } | null;
}

const yaml = (name: string, port: number): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - name: ship
    deploy:
      type: docker_container
      service: ${name}
      image: "web:\${{ inputs.text }}"
      port: 8080
      publish: ${port}
      gate: { path: /, stable: 300ms, timeout: 30s }
      drain: 0
      keep: 1
`;

describeWith(PROGRAMS, { root: true }, 'a deployment of a container, when', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  const jitter = new Jitter('container-deployments');

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    for (const text of ['old', 'new']) {
      const runs = ['CMD ["httpd", "-f", "-p", "8080", "-h", "/srv"]'];
      await makeStepImage(engine, `web:${text}`, runs, async (root) => {
        await mkdir(join(root, 'srv'));
        await writeFile(join(root, 'srv/index.html'), text);
      });
    }
    server = await MillraceServer.start({
      workers: 0,
      environment: { DOCKER_HOST: engine.host },
    });
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
    );
  });
  afterEach(async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  });

  const nameOf = (what: string, point: string): string => `${what}-${point.replaceAll('_', '-')}`;
  const startWorker = (label: string, at?: string): Promise<ServerProcess> =>
    server.startWorker({ WORKER_LABELS: label }, at === undefined ? {} : { FAIL_POINT: at });
  const deploy = (pipeline: string, text: string): Promise<string> =>
    server.trigger(pipeline, { inputs: { text } });
  const deploymentsOf = async (service: string): Promise<readonly DeploymentBody[]> => {
    const path = `/api/deployments?service=${service}`;
    return (await server.call<{ items: readonly DeploymentBody[] }>('GET', path)).items;
  };
  const containersOf = async (service: string): Promise<readonly string[]> => {
    const names = await engine.docker('ps', '-a', '--format', '{{.Names}} {{.State}}');
    return names.split('\n').filter((line) => line.includes(`-${service}-`));
  };
  const portsOf = async (service: string): Promise<number> => {
    const { items } = await server.call<{
      items: readonly { readonly owner: { readonly service: string } | null }[];
    }>(...(['GET', '/api/ports?limit=200'] as const));
    return items.filter(({ owner }) => owner?.service === `default/${service}`).length;
  };
  const served = async (port: number): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
  /** Nothing is under way; one container runs, and it and the route have the only ports. */
  const untilSettled = (service: string): Promise<readonly DeploymentBody[]> =>
    eventually(async () => {
      const all = await deploymentsOf(service);
      const isOver = all.every(({ status }) => ['success', 'failed', 'cancelled'].includes(status));
      if (!isOver) return undefined;
      const containers = await containersOf(service);
      const isOne = containers.length === 1 && containers[0]?.endsWith(' running') === true;
      return isOne && (await portsOf(service)) === 2 ? all : undefined;
    }, END_MS);
  const begin = async (name: string): Promise<{ pipeline: string; port: number }> => {
    const port = await freePort();
    const pipeline = await server.createPipeline(yaml(name, port));
    const first = await startWorker(name);
    const { status } = await server.finished(await deploy(pipeline, 'old'), END_MS);
    const [made] = await deploymentsOf(name);
    expect([status, made?.reason.code, made?.reason]).toEqual([
      ...['success', 'release_serves', made?.reason],
    ]);
    await first.end();
    return { pipeline, port };
  };

  it('its worker is killed, at each point', async () => {
    await Promise.all(
      POINTS.map(async ([point, serves]) => {
        const name = nameOf('killed', point);
        const { pipeline, port } = await begin(name);
        const doomed = await startWorker(name, point);
        const id = await deploy(pipeline, 'new');
        await eventually(() => doomed.isOver() || undefined, END_MS);
        // Whatever was done by then, what is reached answers.
        expect(['old', 'new']).toContain(await served(port));
        await startWorker(name);
        expect(await server.finished(id, END_MS)).toMatchObject({ status: 'failed' });
        const [last] = await untilSettled(name);
        expect([point, last?.status]).toEqual([point, serves === 'new' ? 'success' : 'failed']);
        expect([point, await served(port)]).toEqual([point, serves]);
      }),
    );
  });

  it('its worker sleeps at each point until another has the deployment', async () => {
    await Promise.all(
      POINTS.map(async ([point, serves]) => {
        const name = nameOf('asleep', point);
        const { pipeline, port } = await begin(name);
        const asleep = await startWorker(name, `${point}:SIGSTOP`);
        await deploy(pipeline, 'new');
        await eventually(() => isStopped(asleep.pid) || undefined, END_MS);
        await startWorker(name);
        await untilSettled(name);
        asleep.child.kill('SIGCONT');
        await eventually(() => asleep.isOver() || undefined, END_MS);
        await untilSettled(name);
        expect([point, await served(port)]).toEqual([point, serves]);
      }),
    );
  });

  it('its worker is killed at any moment, again and again', async () => {
    const name = 'any-moment';
    const { pipeline, port } = await begin(name);
    let serves = 'old';
    for (let round = 1; round <= 3; round += 1) {
      const text = serves === 'old' ? 'new' : 'old';
      const doomed = await startWorker(name);
      const id = await deploy(pipeline, text);
      await server.until(id, ({ status }) => status === 'running', END_MS);
      await jitter.before(2_500);
      await doomed.end('SIGKILL');
      const next = await startWorker(name);
      await server.finished(id, END_MS);
      const own = (await untilSettled(name)).find((one) => one.execution_id === id);
      if (own?.status === 'success') serves = text;
      expect([round, await served(port)]).toEqual([round, serves]);
      await next.end();
    }
  });

  it('the proxy is killed, or the engine ends and begins again', async () => {
    const name = 'parts';
    const { port } = await begin(name);
    await startWorker(name);
    const answers = (): Promise<true | undefined> =>
      served(port).then(
        (text) => (text === 'old' ? true : undefined),
        () => undefined,
      );
    await eventually(answers, END_MS);
    const { pid } = JSON.parse(readFileSync(join(server.home, 'caddy/process.json'), 'utf8')) as {
      readonly pid: number;
    };
    process.kill(pid, 'SIGKILL');
    await eventually(answers, END_MS);
    // Its containers end with it; what serves is started again by the worker.
    await engine.end();
    await engine.begin();
    await eventually(answers, END_MS);
    await untilSettled(name);
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
