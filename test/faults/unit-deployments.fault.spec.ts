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
import type { FailPoint } from '../../src/common/fail-point.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';
import {
  apiOf,
  type DeploymentPoint,
  DeploymentRig,
  END_MS,
  nameOf,
} from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { leftOfFolder } from './support/left-over.js';

jest.setTimeout(300_000);

/** Where a unit is stopped, and which release of its parts serves when all is over. */
const POINTS: readonly DeploymentPoint[] = [
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

describe('a deployment of a unit, when', () => {
  let folder: string;
  let server: MillraceServer;
  let rig: DeploymentRig;
  const jitter = new Jitter('unit-deployments');

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-unit-faults-')));
    chmodSync(folder, 0o755);
    server = await MillraceServer.start({ workers: 0, environment: { DEPLOY_FOLDERS: folder } });
    rig = new DeploymentRig(server, { yaml, servicesOf, serving, leftOf });
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

  const partsOf = (name: string): readonly string[] => [`${name}-a`, `${name}-b`];
  const servicesOf = (name: string): readonly string[] => [name, ...partsOf(name)];
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
  /** Both parts are of one text, on the disk and in the record alike. */
  const serving = async (name: string): Promise<string> => {
    const texts = await Promise.all(
      partsOf(name).map(async (part) => {
        const current = readlinkSync(join(folder, part, 'current'));
        const [last] = (await rig.deploymentsOf(part)).filter(({ status }) => status === 'success');
        expect([part, current]).toEqual([part, `releases/${last?.release?.number}`]);
        return readFileSync(join(folder, part, current, 'text'), 'utf8');
      }),
    );
    expect(texts).toEqual([texts[0], texts[0]]);
    return texts[0] ?? '';
  };
  /** Of each part nothing is to be left of releases that its unit does not need. */
  const leftOf = async (name: string): Promise<readonly string[]> => {
    const all = partsOf(name).map(async (part) =>
      leftOfFolder(join(folder, part), await rig.servedNumbers(part), 3),
    );
    return (await Promise.all(all)).flat();
  };

  it('its worker is killed, at each point', async () => {
    await rig.killAtEach(POINTS);
  });

  it('its worker sleeps at each point until another has the unit', async () => {
    await rig.sleepAtEach(POINTS.filter(([point]) => ASLEEP.includes(point)));
  });

  it('the API is killed, at each point', async () => {
    await rig.loseAtEach(
      apiOf(server, jitter),
      POINTS.map(([point]) => [point, 'new']),
    );
  });

  it('a rollback is under way, its worker is killed, at each point', async () => {
    await rig.killRollbackAtEach(['unit_parts_named', ...ASLEEP]);
  });

  it('it is removed, and the worker of that is killed, at each point', async () => {
    await rig.killRemovalAtEach((name) =>
      partsOf(name).every((part) => readdirSync(join(folder, part)).length === 0),
    );
  });

  it('a part cannot be switched to: the one before it is taken back', async () => {
    const name = 'unswitchable';
    const pipeline = await rig.begin(name);
    const { worker: asleep, id } = await rig.holdAt(name, pipeline, 'unit_switching');
    // No link takes the place of a folder that has something in it.
    const current = join(folder, `${name}-b`, 'current');
    renameSync(current, `${current}.away`);
    mkdirSync(current);
    writeFileSync(join(current, 'in-the-way'), '');
    asleep.child.kill('SIGCONT');
    expect(await server.finished(id, END_MS)).toMatchObject({ status: 'failed' });
    const [last] = await rig.untilSettled(name);
    expect(last).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_failed', data: { part: `${name}-b` } } },
    });
    expect(last?.reason.message).toContain(`taken back: ${name}-a`);
    rmSync(current, { recursive: true });
    renameSync(`${current}.away`, current);
    expect(await serving(name)).toBe('old');
    expect(await server.finished(await rig.deploy(pipeline, 'newer'), END_MS)).toMatchObject({
      status: 'success',
    });
    expect(await serving(name)).toBe('newer');
    expect(readdirSync(join(folder, `${name}-a`, 'releases')).length).toBeLessThanOrEqual(3);
  });

  it('whoever takes a part back is killed, at each point', async () => {
    // They find every unit of the host: one after another.
    for (const point of BACK) {
      const name = nameOf('back', point);
      const pipeline = await rig.begin(name);
      const doomed = await rig.startWorker(name, 'part_switched');
      await rig.deploy(pipeline, 'new');
      await eventually(() => doomed.isOver() || undefined, END_MS);
      const next = await rig.startWorker(name, point);
      await eventually(() => next.isOver() || undefined, END_MS);
      const last = await rig.startWorker(name);
      expect([point, (await rig.untilSettled(name))[0]?.status]).toEqual([point, 'failed']);
      expect([point, await serving(name)]).toEqual([point, 'old']);
      const back = (await rig.deploymentsOf(`${name}-a`)).filter(
        ({ unit }) => unit?.takes_back === true,
      );
      expect([point, back.filter(({ status }) => status === 'success').length]).toEqual([point, 1]);
      await last.end();
    }
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
