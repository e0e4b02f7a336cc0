import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { GitSshServer } from '../support/git-ssh-server.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { stopAll } from '../support/stop-all.js';
import { type DeploymentPoint, DeploymentRig } from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { leftOver, tooMany } from './support/left-over.js';

jest.setTimeout(300_000);

/** Where a deployment is stopped, and which release serves when all is over. */
const POINTS: readonly DeploymentPoint[] = [
  ['deployment_planned', 'old'],
  ['release_prepared', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
];
/** The one that serves, the one before, and one that could not be removed from a lost host. */
const MOST_RELEASES = 3;

describeWith({ sshd: 'openssh-server' }, {}, 'a deployment to a folder by SSH, when', () => {
  let folder: string;
  let sshd: GitSshServer;
  let server: MillraceServer;
  let rig: DeploymentRig;
  const jitter = new Jitter('ssh-deployments');

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-ssh-faults-')));
    chmodSync(folder, 0o755);
    sshd = await GitSshServer.start();
    server = await MillraceServer.start({ workers: 0 });
    await server.call('PUT', '/api/secrets/DEPLOY_KEY', { value: sshd.key('user') });
    rig = new DeploymentRig(server, { yaml, serving, leftOf });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => sshd.stop(),
      () => Promise.resolve(rmSync(folder, { recursive: true })),
    );
  });
  afterEach(async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  });

  const yaml = (name: string): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; seq 1 50 | split -l 1 - out/part-; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}" }
  - name: ship
    deploy:
      type: local_directory
      service: ${name}
      source: out
      path: ${folder}/${name}
      keep: 1
      ssh: { host: 127.0.0.1, port: ${sshd.port}, user: ${userInfo().username}, key: DEPLOY_KEY, known_hosts: "${sshd.knownHosts()}" }
`;
  /** All of one release, which is on the disk and in the record alike; nothing is half-way. */
  const serving = async (service: string): Promise<string> => {
    const top = join(folder, service);
    const current = readlinkSync(join(top, 'current'));
    expect(readdirSync(join(top, current))).toHaveLength(51);
    expect(readdirSync(top).sort()).toEqual([
      ...['.millrace-service', 'current', 'releases', 'shared'],
    ]);
    const [last] = (await rig.deploymentsOf(service)).filter(({ status }) => status === 'success');
    expect(current).toBe(`releases/${last?.release?.number}`);
    return readFileSync(join(top, current, 'text'), 'utf8');
  };
  const leftOf = (service: string): readonly string[] =>
    leftOver([tooMany(readdirSync(join(folder, service, 'releases')), MOST_RELEASES)]);

  it('its worker is killed, at each point', async () => {
    await rig.killAtEach(POINTS);
  });

  it('sshd is killed, at each point', async () => {
    const loss = {
      ...{ name: 'sshd', kill: () => sshd.kill(), hidesEnd: true },
      restore: async () => {
        await jitter.before(2_000);
        await sshd.begin();
      },
      reasons: ['ssh_unreachable', 'ssh_lost', 'worker_lost'],
    };
    await rig.loseAtEach(loss, [
      ['release_prepared', 'either'],
      ['deployment_switching', 'either'],
      ['release_switched', 'new'],
      ['deployment_serving', 'new'],
    ]);
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
