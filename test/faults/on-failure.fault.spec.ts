import { writeFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { supervisedPrograms } from '../support/supervised-programs.js';

interface DeploymentBody {
  readonly kind: string;
  readonly status: string;
  readonly reason: { readonly code: string } | null;
}

/** Until leases of a killed worker are taken, and what it did is finished. */
const TAKEN_OVER_MS = 150_000;
jest.setTimeout(600_000);

/** An instance is sick from when a file of its number says so: another one is well. */
const PROGRAM = `const { existsSync } = require('node:fs');
require('node:http').createServer(({ url }, answer) => {
  answer.statusCode = existsSync(process.env.SICK + process.pid) ? 500 : 200;
  answer.end(String(process.pid));
}).listen(process.env.PORT, '127.0.0.1');
`;

const RESTARTS = 'on_failure: { actions: restart, max: 9, window: 1h, backoff: 1s }';
const WATCHED = 'watch: 10m';

interface Deployed {
  readonly path: string;
  readonly is: (status: string) => Promise<unknown>;
  /** Of the instance that answers. */
  readonly pid: () => Promise<string>;
  /** Statuses of its deployments of a kind, the newest first. */
  readonly made: (kind: string) => Promise<readonly string[]>;
  readonly restarts: () => Promise<readonly string[]>;
  /** The instance that serves answers badly from now on. */
  readonly failNow: () => Promise<void>;
}

/** The only worker is killed in the midst of a restart by `on_failure`; another one comes. */
describe('on_failure and a killed worker', () => {
  let server: MillraceServer;

  const endWorkers = async (): Promise<void> => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  };

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
  });
  afterAll(async () => {
    await server?.stop();
  });

  const yaml = (service: string, port: number, failing: string): string => `name: ${service}
steps:
  - name: build
    environment: { PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: mkdir -p out && printf %s "$PROGRAM" >out/server.js
  - name: ship
    deploy:
      type: local_service
      service: ${service}
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      publish: ${port}
      variables: { SICK: "${server.home}/sick-" }
      gate: { path: /, stable: 500ms }
      ${failing}
`;

  /** A service that serves and is checked often; its worker has ended. */
  const deployed = async (service: string, failing = RESTARTS): Promise<Deployed> => {
    const path = `/api/services/default%2F${service}`;
    const port = await freePort();
    const is = (status: string): Promise<unknown> =>
      eventually(async () => {
        const one = await server.call<{ status: string }>('GET', path);
        return one.status === status ? true : undefined;
      }, TAKEN_OVER_MS);
    const pid = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
    const made = async (wanted: string): Promise<readonly string[]> => {
      const { items } = await server.call<{ items: readonly DeploymentBody[] }>(
        ...(['GET', `/api/deployments?service=${service}`] as const),
      );
      return items.filter(({ kind }) => kind === wanted).map(({ status }) => status);
    };
    const restarts = (): Promise<readonly string[]> => made('restart');
    const failNow = async (): Promise<void> =>
      writeFileSync(`${server.home}/sick-${await pid()}`, '');
    await server.startWorker();
    const pipeline = await server.createPipeline(yaml(service, port, failing));
    // Only what takes another one's place is watched.
    for (let left = failing === RESTARTS ? 1 : 2; left > 0; left -= 1) {
      const id = await server.trigger(pipeline);
      expect(await server.finished(id, TAKEN_OVER_MS)).toMatchObject({ status: 'success' });
    }
    await server.call('PATCH', path, { check: { interval_seconds: 2, timeout_seconds: 1.9 } });
    await is('running');
    await endWorkers();
    return { path, is, pid, made, restarts, failNow };
  };
  const diedAt = async (point: string, blow: () => Promise<void>): Promise<void> => {
    const doomed = await server.startWorker({ FAIL_POINT: point });
    await blow();
    await eventually(() => doomed.child.signalCode ?? undefined, TAKEN_OVER_MS);
  };

  it.each([
    ['failure_decided', ['success']],
    ['failure_asked', ['success']],
    ['instance_started', ['success', 'failed']],
    ['release_switched', ['success']],
  ])('restarts it, once where that is done, when killed at %s', async (point, statuses) => {
    const service = point.replace('_', '-');
    const { path, is, pid, restarts, failNow } = await deployed(service);
    const before = await pid();
    await diedAt(point, failNow);
    await server.startWorker();
    const made = await eventually(async () => {
      const all = await restarts();
      return all[0] === 'success' ? all : undefined;
    }, TAKEN_OVER_MS);
    await is('running');
    expect(made).toEqual(statuses);
    expect(await pid()).not.toBe(before);
    const states = await eventually(async () => {
      const { actions } = await server.call<{ actions: readonly { readonly state: string }[] }>(
        ...(['GET', `${path}/health`] as const),
      );
      const all = actions.map(({ state }) => state);
      return all.includes('decided') ? undefined : all;
    }, TAKEN_OVER_MS);
    expect(states).toEqual(statuses.map(() => 'begun'));
    const running = await supervisedPrograms(server.home).list();
    expect(running.filter(({ id }) => id.startsWith(service))).toHaveLength(1);
    await endWorkers();
  });

  it('restarts it again when it fails again, when killed at deployment_ended', async () => {
    const { is, pid, restarts, failNow } = await deployed('ended');
    await diedAt('deployment_ended', failNow);
    await server.startWorker();
    await is('running');
    expect(await restarts()).toEqual(['success']);
    const second = await pid();
    await failNow();
    await eventually(async () => {
      const all = await restarts();
      return all.length === 2 && all[0] === 'success' ? all : undefined;
    }, TAKEN_OVER_MS);
    expect(await pid()).not.toBe(second);
    await endWorkers();
  });

  it.each(['watch_decided', 'release_switched', 'deployment_ended'])(
    'goes back once by `watch`, when killed at %s',
    async (point) => {
      const { is, pid, made, failNow } = await deployed(
        `watch-${point.replace('_', '-')}`,
        WATCHED,
      );
      const before = await pid();
      await diedAt(point, failNow);
      await server.startWorker();
      await eventually(async () => {
        const [last] = await made('rollback');
        return last === 'success' || undefined;
      }, TAKEN_OVER_MS);
      await is('running');
      expect(await pid()).not.toBe(before);
      expect(await made('rollback')).toEqual(['success']);
      // What serves now is watched no more: where it fails, nothing happens by itself.
      await failNow();
      await is('failed');
      expect(await made('rollback')).toEqual(['success']);
      await endWorkers();
    },
  );
});
