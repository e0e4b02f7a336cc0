import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStopped } from '../../src/common/child-process/process-stat.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

jest.setTimeout(300_000);

const END_MS = 120_000;
/** Where a deployment is stopped, and which release serves when all is over. */
const POINTS = [
  ['release_prepared', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
] as const;

interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly execution_id: string | null;
  readonly status: string;
  readonly reason: { readonly code: string };
  readonly release: { readonly number: number } | null;
}

const yaml = (name: string): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; seq 1 500 | split -l 1 - out/part-; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}" }
  - name: ship
    deploy: { type: local_directory, service: ${name}, source: out, keep: 1 }
`;

describe('a deployment to a folder, when', () => {
  let folder: string;
  let server: MillraceServer;
  const jitter = new Jitter('deployments');

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-faults-')));
    chmodSync(folder, 0o755);
    server = await MillraceServer.start({
      workers: 0,
      environment: { DEPLOY_FOLDERS: folder },
    });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => Promise.resolve(rmSync(folder, { recursive: true })),
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
  /** All of one release, which is on the disk and in the record alike; nothing else is left. */
  const expectWhole = async (service: string): Promise<string> => {
    const top = join(folder, service);
    const serving = readlinkSync(join(top, 'current'));
    const release = join(top, serving);
    expect(readdirSync(release)).toHaveLength(501);
    expect(readdirSync(top).sort()).toEqual([
      ...['.millrace-service', 'current', 'releases', 'shared'],
    ]);
    const [last] = (await deploymentsOf(service)).filter(({ status }) => status === 'success');
    expect(serving).toBe(`releases/${last?.release?.number}`);
    return readFileSync(join(release, 'text'), 'utf8');
  };
  /** Nothing is under way; of each release that neither serves nor did before nothing is left. */
  const untilSettled = async (service: string): Promise<readonly DeploymentBody[]> =>
    eventually(async () => {
      const all = await deploymentsOf(service);
      const isOver = all.every(({ status }) => ['success', 'failed', 'cancelled'].includes(status));
      return isOver && readdirSync(join(folder, service, 'releases')).length <= 2 ? all : undefined;
    }, END_MS);

  it('its worker is killed, at each point', async () => {
    await Promise.all(
      POINTS.map(async ([point, serves]) => {
        const name = nameOf('killed', point);
        const pipeline = await server.createPipeline(yaml(name));
        const first = await startWorker(name);
        expect((await server.finished(await deploy(pipeline, 'old'), END_MS)).status).toBe(
          'success',
        );
        await first.end();
        const doomed = await startWorker(name, point);
        const id = await deploy(pipeline, 'new');
        await eventually(() => doomed.isOver() || undefined, END_MS);
        await startWorker(name);
        // No retry: the execution ends with its worker, the deployment by its record.
        expect(await server.finished(id, END_MS)).toMatchObject({ status: 'failed' });
        const [last] = await untilSettled(name);
        expect([point, last?.status]).toEqual([point, serves === 'new' ? 'success' : 'failed']);
        if (serves === 'old') expect(last?.reason.code).toBe('worker_lost');
        expect(await expectWhole(name)).toBe(serves);
      }),
    );
  });

  it('its worker sleeps at each point until another has the deployment', async () => {
    await Promise.all(
      POINTS.map(async ([point, serves]) => {
        const name = nameOf('asleep', point);
        const pipeline = await server.createPipeline(yaml(name));
        const first = await startWorker(name);
        await server.finished(await deploy(pipeline, 'old'), END_MS);
        await first.end();
        const asleep = await startWorker(name, `${point}:SIGSTOP`);
        await deploy(pipeline, 'new');
        await eventually(() => isStopped(asleep.pid) || undefined, END_MS);
        await startWorker(name);
        await untilSettled(name);
        asleep.child.kill('SIGCONT');
        await eventually(() => asleep.isOver() || undefined, END_MS);
        expect([point, await expectWhole(name)]).toEqual([point, serves]);
      }),
    );
  });

  it('its worker is killed at any moment, again and again', async () => {
    const name = 'any-moment';
    const pipeline = await server.createPipeline(yaml(name).replace('keep: 1', 'keep: 2'));
    const first = await startWorker(name);
    await server.finished(await deploy(pipeline, 'text-0'), END_MS);
    await first.end();
    for (let round = 1; round <= 4; round += 1) {
      const doomed = await startWorker(name);
      const id = await deploy(pipeline, `text-${round}`);
      await server.until(id, ({ status }) => status === 'running', END_MS);
      await jitter.before(1_500);
      await doomed.end('SIGKILL');
      const next = await startWorker(name);
      await server.finished(id, END_MS);
      // It may have been killed before it came to the deployment.
      const own = (await untilSettled(name)).find((one) => one.execution_id === id);
      const text = await expectWhole(name);
      expect(text === `text-${round}`).toBe(own?.status === 'success');
      await next.end();
    }
  });

  it('a rollback is under way, its worker is killed, at each point', async () => {
    await Promise.all(
      POINTS.slice(1).map(async ([point]) => {
        const name = nameOf('back', point);
        const pipeline = await server.createPipeline(yaml(name));
        const first = await startWorker(name);
        for (const text of ['old', 'new']) {
          await server.finished(await deploy(pipeline, text), END_MS);
        }
        await first.end();
        const doomed = await startWorker(name, point);
        const [latest] = await deploymentsOf(name);
        await server.call('POST', `/api/deployments/${latest?.deployment_id}/rollback`);
        // Any worker of the host may take it: those of the other points too, and die of it.
        await eventually(
          async () =>
            doomed.isOver() || (await deploymentsOf(name))[0]?.status === 'success' || undefined,
          END_MS,
        );
        await startWorker(name);
        const [back] = await untilSettled(name);
        expect(back?.kind).toBe('rollback');
        expect(await expectWhole(name)).toBe(back?.status === 'success' ? 'old' : 'new');
      }),
    );
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
