import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStopped } from '../../src/common/child-process/process-stat.js';
import type { FailPoint } from '../../src/common/fail-point.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';
import { expectInvariants } from './support/expect-invariants.js';

jest.setTimeout(300_000);

const END_MS = 120_000;
/** Where a unit is stopped, and which release of its parts serves when all is over. */
const POINTS: readonly (readonly [FailPoint, 'old' | 'new'])[] = [
  ['unit_parts_named', 'old'],
  ['release_prepared', 'old'],
  ['unit_parts_ready', 'old'],
  ['unit_switching', 'old'],
  ['release_switched', 'old'],
  ['part_switched', 'old'],
  ['unit_serving', 'new'],
];
/** Where one that slept could do something afterwards. */
const ASLEEP: readonly FailPoint[] = [
  ...(['unit_parts_ready', 'unit_switching', 'part_switched', 'unit_serving'] as const),
];
/** Where whoever takes the first part back is stopped. */
const BACK: readonly FailPoint[] = ['part_taking_back', 'deployment_switching', 'part_taken_back'];

interface DeploymentBody {
  readonly deployment_id: string;
  readonly deployment_type: string;
  readonly kind: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly release: { readonly number: number } | null;
  readonly unit: { readonly takes_back: boolean } | null;
}

describe('a deployment of a unit, when', () => {
  let folder: string;
  let server: MillraceServer;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-unit-faults-')));
    chmodSync(folder, 0o755);
    server = await MillraceServer.start({ workers: 0, environment: { DEPLOY_FOLDERS: folder } });
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
  const yaml = (name: string): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}" }
  - name: ship
    deploy:
      type: hybrid
      service: ${name}
      keep: 1
      parts:
        - { type: local_directory, service: ${name}-b, source: out, needs: ${name}-a }
        - { type: local_directory, service: ${name}-a, source: out }
`;
  const startWorker = (label: string, at?: string): Promise<ServerProcess> =>
    server.startWorker({ WORKER_LABELS: label }, at === undefined ? {} : { FAIL_POINT: at });
  const deploy = (pipeline: string, text: string): Promise<string> =>
    server.trigger(pipeline, { inputs: { text } });
  const list = async (service: string): Promise<readonly DeploymentBody[]> =>
    (
      await server.call<{ items: readonly DeploymentBody[] }>(
        ...(['GET', `/api/deployments?service=${service}`] as const),
      )
    ).items;
  const all = async (name: string): Promise<readonly DeploymentBody[]> =>
    (await Promise.all([name, `${name}-a`, `${name}-b`].map(list))).flat();
  const untilSettled = (name: string): Promise<DeploymentBody> =>
    eventually(async () => {
      const isOver = (await all(name)).every(({ status }) =>
        ['success', 'failed', 'cancelled'].includes(status),
      );
      return isOver ? (await list(name))[0] : undefined;
    }, END_MS);
  /** Both parts are of one text, on the disk and in the record alike. */
  const expectWhole = async (name: string): Promise<string> => {
    const texts = await Promise.all(
      [`${name}-a`, `${name}-b`].map(async (part) => {
        const serving = readlinkSync(join(folder, part, 'current'));
        const [last] = (await list(part)).filter(({ status }) => status === 'success');
        expect([part, serving]).toEqual([part, `releases/${last?.release?.number}`]);
        return readFileSync(join(folder, part, serving, 'text'), 'utf8');
      }),
    );
    expect(texts).toEqual([texts[0], texts[0]]);
    return texts[0] ?? '';
  };
  const deployOld = async (name: string): Promise<string> => {
    const pipeline = await server.createPipeline(yaml(name));
    const first = await startWorker(name);
    expect((await server.finished(await deploy(pipeline, 'old'), END_MS)).status).toBe('success');
    await first.end();
    return pipeline;
  };

  it('its worker is killed, at each point', async () => {
    await Promise.all(
      POINTS.map(async ([point, serves]) => {
        const name = nameOf('killed', point);
        const pipeline = await deployOld(name);
        const doomed = await startWorker(name, point);
        const id = await deploy(pipeline, 'new');
        await eventually(() => doomed.isOver() || undefined, END_MS);
        await startWorker(name);
        expect(await server.finished(id, END_MS)).toMatchObject({ status: 'failed' });
        const last = await untilSettled(name);
        expect([point, last.status]).toEqual([point, serves === 'new' ? 'success' : 'failed']);
        expect([point, await expectWhole(name)]).toEqual([point, serves]);
      }),
    );
  });

  it('its worker sleeps at each point until another has the unit', async () => {
    await Promise.all(
      POINTS.filter(([point]) => ASLEEP.includes(point)).map(async ([point, serves]) => {
        const name = nameOf('asleep', point);
        const pipeline = await deployOld(name);
        const asleep = await startWorker(name, `${point}:SIGSTOP`);
        await deploy(pipeline, 'new');
        await eventually(() => isStopped(asleep.pid) || undefined, END_MS);
        await startWorker(name);
        await untilSettled(name);
        asleep.child.kill('SIGCONT');
        await eventually(() => asleep.isOver() || undefined, END_MS);
        await untilSettled(name);
        expect([point, await expectWhole(name)]).toEqual([point, serves]);
      }),
    );
  });

  it('a part cannot be switched to: the one before it is taken back', async () => {
    const name = 'unswitchable';
    const pipeline = await deployOld(name);
    const asleep = await startWorker(name, 'unit_switching:SIGSTOP');
    const id = await deploy(pipeline, 'new');
    await eventually(() => isStopped(asleep.pid) || undefined, END_MS);
    // No link takes the place of a folder that has something in it.
    const current = join(folder, `${name}-b`, 'current');
    renameSync(current, `${current}.away`);
    mkdirSync(current);
    writeFileSync(join(current, 'in-the-way'), '');
    asleep.child.kill('SIGCONT');
    expect(await server.finished(id, END_MS)).toMatchObject({ status: 'failed' });
    const last = await untilSettled(name);
    expect(last).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_failed', data: { part: `${name}-b` } } },
    });
    expect(last.reason.message).toContain(`taken back: ${name}-a`);
    rmSync(current, { recursive: true });
    renameSync(`${current}.away`, current);
    expect(await expectWhole(name)).toBe('old');
    expect(await server.finished(await deploy(pipeline, 'newer'), END_MS)).toMatchObject({
      status: 'success',
    });
    expect(await expectWhole(name)).toBe('newer');
    expect(readdirSync(join(folder, `${name}-a`, 'releases')).length).toBeLessThanOrEqual(3);
  });

  it('whoever takes a part back is killed, at each point', async () => {
    // They find every unit of the host: one after another.
    for (const point of BACK) {
      const name = nameOf('back', point);
      const pipeline = await deployOld(name);
      const doomed = await startWorker(name, 'part_switched');
      await deploy(pipeline, 'new');
      await eventually(() => doomed.isOver() || undefined, END_MS);
      const next = await startWorker(name, point);
      await eventually(() => next.isOver() || undefined, END_MS);
      const last = await startWorker(name);
      expect([point, (await untilSettled(name)).status]).toEqual([point, 'failed']);
      expect([point, await expectWhole(name)]).toEqual([point, 'old']);
      const back = (await list(`${name}-a`)).filter(({ unit }) => unit?.takes_back === true);
      expect([point, back.filter(({ status }) => status === 'success').length]).toEqual([point, 1]);
      await last.end();
    }
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
