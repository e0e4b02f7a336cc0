import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  instanceName,
  SERVICE_RELEASES,
  shortName,
} from '../../src/deployments/routes/service-route.js';
import type { SupervisedServices } from '../../src/integrations/local-services/client/supervised-services.js';
import type { ServiceStatus } from '../../src/integrations/local-services/local-services.js';
import {
  servicePlaces,
  listInstanceIds,
} from '../../src/integrations/local-services/service-places.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { supervisedPrograms } from '../support/supervised-programs.js';
import { DeploymentRig, type DeploymentPoint } from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { idOf, RoutedServices, UNRECORDED } from './support/routed-services.js';

jest.setTimeout(600_000);

/** Where a deployment is hit, and which release serves when its worker is gone there. */
const POINTS: readonly DeploymentPoint[] = [
  ['release_prepared', 'old'],
  ['before_switch_begun', 'old'],
  ['instance_started', 'old'],
  ['gate_passed', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
];
const PROGRAM = `const text = require('node:fs').readFileSync('text', 'utf8');
require('node:http').createServer((_, answer) => answer.end(text)).listen(process.env.PORT, '127.0.0.1');
`;

const yaml = (name: string, port: number): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; printf %s "$PROGRAM" >out/server.js; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}", PROGRAM: ${JSON.stringify(PROGRAM)} }
  - name: ship
    deploy:
      type: local_service
      service: ${name}
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      publish: ${port}
      before_switch: test -s text
      gate: { path: /, stable: 300ms, timeout: 30s }
      drain: 0
      keep: 1
`;

describe('a deployment of a program of the host, when', () => {
  let server: MillraceServer;
  let rig: DeploymentRig;
  let services: SupervisedServices;
  let routed: RoutedServices;
  const jitter = new Jitter('local-service-deployments');

  beforeAll(async () => {
    await buildCaddy();
    server = await MillraceServer.start({ workers: 0 });
    services = supervisedPrograms(server.home);
    routed = new RoutedServices(server);
    rig = new DeploymentRig(server, {
      yaml: async (name) => yaml(name, await routed.portOf(name)),
      serving,
      isClean,
      expectMeanwhile: (name) => routed.expectAnswer(name),
    });
  }, CADDY_BUILD_MS);
  afterAll(() => server.stop());
  afterEach(async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  });

  const isOf = (name: string, instance: string): boolean =>
    instance.startsWith(`${shortName(idOf(name))}.`);
  const instancesOf = async (name: string): Promise<readonly ServiceStatus[]> =>
    (await services.list()).filter(({ id }) => isOf(name, id));
  /** Numbers of the releases in whose folders processes of this machine work. */
  const workedIn = (name: string): readonly string[] => {
    const folder = join(server.home, SERVICE_RELEASES, shortName(idOf(name)), '/');
    const found = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        const cwd = cwdOf(pid);
        return cwd?.startsWith(folder) === true ? [cwd.slice(folder.length)] : [];
      });
    return [...new Set(found)];
  };
  /** One instance runs; beside what it and its route need nothing is there. */
  const isClean = async (name: string): Promise<boolean> => {
    const [instance, ...others] = await instancesOf(name);
    if (instance?.state !== 'running' || others.length > 0) return false;
    const number = instance.id.slice(instance.id.lastIndexOf('.') + 1);
    const kept = listInstanceIds(servicePlaces(server.home).instances);
    const releases = readdirSync(join(server.home, SERVICE_RELEASES, shortName(idOf(name))));
    const served = await rig.servedNumbers(name);
    return [
      [kept.filter((id) => isOf(name, id)), [instance.id]],
      [await routed.leasesOf(name), [number, 'route']],
      [workedIn(name), [number]],
      [instance.ports.map(({ port }) => port), await routed.upstreamsOf(name)],
      [releases.includes(number) && releases.length <= 2, true],
      [releases.filter((one) => !served.includes(one)), []],
    ].every(([is, wanted]) => JSON.stringify(is) === JSON.stringify(wanted));
  };
  /** As the record says. */
  const serving = async (name: string): Promise<string> => {
    const [last] = (await rig.deploymentsOf(name)).filter(({ status }) => status === 'success');
    const number = last?.release?.number ?? 0;
    expect(await instancesOf(name)).toMatchObject([{ id: instanceName(idOf(name), number) }]);
    return routed.served(name);
  };
  const killSupervisor = (): Promise<void> => routed.killNamed('services/supervisor.json');
  const killApi = async (): Promise<void> => server.api?.end('SIGKILL');

  it('its worker is killed, at each point', async () => {
    await rig.killAtEach(POINTS);
  });

  it('its worker sleeps at each point until another has the deployment', async () => {
    await rig.sleepAtEach(POINTS);
  });

  it('its supervisor, the proxy and the API are killed, at each point', async () => {
    const all = {
      ...{ name: 'all', reasons: ['deploy_failed'] },
      kill: () => Promise.all([killSupervisor(), routed.killProxy(), killApi()]),
      restore: () => server.startApi(),
    };
    // The workers live, and bring back what they need. But a proxy has no switch any more that was
    // armed, or made and not recorded: then what served before does.
    await rig.loseAtEach(
      all,
      POINTS.map(([point]) => [point, UNRECORDED.includes(point) ? 'old' : 'new']),
    );
  });

  it('any of its processes is killed at any moment, again and again', async () => {
    const name = 'any-moment';
    const pipeline = await rig.begin(name);
    const hits: Readonly<Record<string, (worker: ServerProcess) => Promise<unknown>>> = {
      worker: (worker) => worker.end('SIGKILL'),
      supervisor: killSupervisor,
      proxy: () => routed.killProxy(),
      API: () => killApi().then(() => server.startApi()),
    };
    for (const [text, hit] of Object.entries(hits)) {
      await rig.hitOnce({ name, pipeline, text }, async (worker) => {
        await jitter.before(2_500);
        await hit(worker);
      });
    }
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});

/** Undefined: it has ended, or is nobody's that this test may look at. */
function cwdOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ESRCH', 'EACCES'].includes(code)) throw error;
    return undefined;
  }
}
