import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceServer } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';
import { apiOf, type DeploymentPoint, DeploymentRig } from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { leftOfFolder } from './support/left-over.js';

jest.setTimeout(300_000);

/** Where a deployment is stopped, and which release serves when all is over. */
const POINTS: readonly DeploymentPoint[] = [
  ['deployment_planned', 'old'],
  ['release_prepared', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
  ['deployment_ended', 'new'],
];

const yaml = (name: string): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - name: make
${name.startsWith('direct') ? '    artifacts: [out]\n' : ''}    run: mkdir -p out; seq 1 500 | split -l 1 - out/part-; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}" }
  - name: ship
    deploy: { type: local_directory, service: ${name}, source: out, keep: 1 }
`;

describe('a deployment to a folder, when', () => {
  let folder: string;
  let server: MillraceServer;
  let rig: DeploymentRig;
  const jitter = new Jitter('deployments');

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-faults-')));
    chmodSync(folder, 0o755);
    server = await MillraceServer.start({
      workers: 0,
      environment: { DEPLOY_FOLDERS: folder },
    });
    rig = new DeploymentRig(server, { yaml, serving, leftOf });
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

  /** All of one release, which is on the disk and in the record alike; nothing else is left. */
  const serving = async (service: string): Promise<string> => {
    const top = join(folder, service);
    const current = readlinkSync(join(top, 'current'));
    const release = join(top, current);
    expect(readdirSync(release)).toHaveLength(501);
    expect(readdirSync(top).sort()).toEqual([
      ...['.millrace-service', 'current', 'releases', 'shared'],
    ]);
    const [last] = (await rig.deploymentsOf(service)).filter(({ status }) => status === 'success');
    expect(current).toBe(`releases/${last?.release?.number}`);
    return readFileSync(join(release, 'text'), 'utf8');
  };
  /** Of each release that neither serves nor did before nothing is to be left. */
  const leftOf = async (service: string): Promise<readonly string[]> =>
    leftOfFolder(join(folder, service), await rig.servedNumbers(service), 2);

  it('its worker is killed, at each point', async () => {
    const all = await rig.killAtEach(POINTS);
    const reasons = all
      .filter(({ status }) => status === 'failed')
      .map(({ reason }) => reason.code);
    expect(reasons).toEqual(['worker_lost', 'worker_lost', 'worker_lost']);
  });

  it('its worker sleeps at each point until another has the deployment', async () => {
    await rig.sleepAtEach(POINTS);
  });

  it('the API is killed, at each point', async () => {
    await rig.loseAtEach(
      apiOf(server, jitter),
      POINTS.map(([point]) => [point, 'new']),
    );
  });

  it('its worker is killed at any moment, again and again', async () => {
    const name = 'any-moment';
    const pipeline = await rig.begin(name);
    for (let round = 1; round <= 4; round += 1) {
      await rig.hitOnce({ name, pipeline, text: `text-${round}` }, async (worker) => {
        await jitter.before(1_500);
        await worker.end('SIGKILL');
      });
    }
  });

  it('a rollback is under way, its worker is killed, at each point', async () => {
    await rig.killRollbackAtEach(POINTS.map(([point]) => point));
  });

  it('no step does it, and its worker is killed, at each point', async () => {
    await rig.killDirectAtEach(POINTS, async (name) => {
      const [, first] = await rig.deploymentsOf(name);
      return {
        artifact: { execution_id: first?.execution_id, name: 'make' },
        deploy: {
          ...{ type: 'local_directory', service: name, source: 'out', keep: 1, allow_older: true },
        },
      };
    });
  });

  it('a promotion is under way, its worker is killed, at each point', async () => {
    const there = (name: string): string => join(folder, `production-${name}`);
    await rig.killPromotionAtEach(
      POINTS.map(([point]) => point),
      (name) => ({ path: there(name) }),
      async (name, isThere) => {
        expect([name, readdirSync(join(there(name), 'releases'))]).toEqual([
          ...[name, isThere ? ['1'] : []],
        ]);
        expect(existsSync(join(there(name), 'current'))).toBe(isThere);
        if (isThere) expect(readFileSync(join(there(name), 'current/text'), 'utf8')).toBe('new');
      },
    );
  });

  it('it is removed, and the worker of that is killed, at each point', async () => {
    await rig.killRemovalAtEach((name) => readdirSync(join(folder, name)).length === 0);
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
