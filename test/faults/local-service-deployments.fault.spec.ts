import { instanceName } from '../../src/deployments/routes/service-route.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { apiOf, DeploymentRig, type DeploymentPoint, END_MS } from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { ProgramServices, TEXT_PROGRAM } from './support/program-services.js';
import { killRoutedPromotions } from './support/routed-promotions.js';
import { RoutedServices, UNRECORDED } from './support/routed-services.js';
import { idOf } from './support/service-id.js';

jest.setTimeout(600_000);

/** Where a deployment is hit, and which release serves when its worker is gone there. */
const POINTS: readonly DeploymentPoint[] = [
  ['deployment_planned', 'old'],
  ['release_prepared', 'old'],
  ['before_switch_begun', 'old'],
  ['instance_started', 'old'],
  ['gate_passed', 'old'],
  ['deployment_switching', 'old'],
  ['release_switched', 'new'],
  ['deployment_serving', 'new'],
  ['deployment_ended', 'new'],
];

const yaml = (name: string, port: number): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; printf %s "$PROGRAM" >out/server.js; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}", PROGRAM: ${JSON.stringify(TEXT_PROGRAM)} }
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
  let programs: ProgramServices;
  let routed: RoutedServices;
  const jitter = new Jitter('local-service-deployments');

  beforeAll(async () => {
    await buildCaddy();
    server = await MillraceServer.start({ workers: 0 });
    routed = new RoutedServices(server);
    programs = new ProgramServices(server.home, routed);
    rig = new DeploymentRig(server, {
      yaml: async (name) => yaml(name, await routed.portOf(name)),
      serving,
      leftOf: async (name) => programs.leftOf(name, await rig.servedNumbers(name)),
      expectMeanwhile: (name) => routed.expectAnswer(name),
    });
  }, CADDY_BUILD_MS);
  afterAll(() => server.stop());
  afterEach(async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
  });

  /** As the record says. */
  const serving = async (name: string): Promise<string> => {
    const [last] = (await rig.deploymentsOf(name)).filter(({ status }) => status === 'success');
    const number = last?.release?.number ?? 0;
    expect(await programs.instancesOf(name)).toMatchObject([
      { id: instanceName(idOf(name), number) },
    ]);
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

  it('the API is killed, at each point', async () => {
    await rig.loseAtEach(
      apiOf(server, jitter),
      POINTS.map(([point]) => [point, 'new']),
    );
  });

  it('a rollback is under way, its worker is killed, at each point', async () => {
    await rig.killRollbackAtEach(POINTS.map(([point]) => point));
  });

  it('a promotion is under way, its worker is killed, at each point', async () => {
    await killRoutedPromotions(rig, routed, programs, POINTS);
  });

  it('it is stopped, and the worker of that is killed, at each point; then it is started', async () => {
    await rig.killStopAtEach(
      (name) => programs.isStopped(name),
      (name) => routed.served(name),
    );
  });

  it('it is removed, and the worker of that is killed, at each point', async () => {
    await rig.killRemovalAtEach((name) => programs.isGone(name));
  });

  it('its worker is killed when the instance before has ended, and its port is not given back', async () => {
    const name = 'port-kept';
    const pipeline = await rig.begin(name);
    const doomed = await rig.startWorker(name, 'instance_removed');
    await rig.deploy(pipeline, 'new');
    await eventually(() => doomed.isOver() || undefined, END_MS);
    await rig.startWorker(name);
    await rig.untilSettled(name);
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
