import type { FailPoint } from '../../src/common/fail-point.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { stopAll } from '../support/stop-all.js';
import { ContainerServices, makeWebImages } from './support/container-services.js';
import {
  apiOf,
  type DeploymentPoint,
  DeploymentRig,
  END_MS,
  type LossPoint,
} from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { killRoutedPromotions } from './support/routed-promotions.js';
import { RoutedServices, UNRECORDED } from './support/routed-services.js';

jest.setTimeout(400_000);

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** Where a deployment is stopped, and which release serves when all is over. */
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
/** Where a deployment needs the engine, or its instance, still; then it needs the proxy alone. */
const BY_ENGINE: Partial<Record<FailPoint, LossPoint[1]>> = {
  deployment_planned: 'either',
  release_prepared: 'either',
  before_switch_begun: 'either',
  instance_started: 'old',
  // An engine that begins ends the containers of the one before: then it answers no more.
  gate_passed: 'either',
};

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
      before_switch: test -s /srv/index.html
      gate: { path: /, stable: 300ms, timeout: 30s }
      drain: 0
      keep: 1
`;

describeWith(PROGRAMS, { root: true }, 'a deployment of a container, when', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let rig: DeploymentRig;
  let routed: RoutedServices;
  let containers: ContainerServices;
  const jitter = new Jitter('container-deployments');

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    await makeWebImages(engine);
    server = await MillraceServer.start({
      workers: 0,
      environment: { DOCKER_HOST: engine.host },
    });
    routed = new RoutedServices(server);
    containers = new ContainerServices(engine, routed);
    rig = new DeploymentRig(server, {
      yaml: async (name) => yaml(name, await routed.portOf(name)),
      serving: (name) => routed.served(name),
      leftOf: async (name) => containers.leftOf(name, await rig.servedNumbers(name)),
      expectMeanwhile: (name) => routed.expectAnswer(name),
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

  it('its worker is killed, at each point', async () => {
    await rig.killAtEach(POINTS);
  });

  it('no step does it, and its worker is killed, at each point', async () => {
    await rig.killDirectAtEach(POINTS, async (name) => ({
      deploy: {
        ...{ type: 'docker_container', service: name, image: 'web:old', port: 8080, keep: 1 },
        ...{ publish: await routed.portOf(name), drain: 0 },
        before_switch: 'test -s /srv/index.html',
        gate: { path: '/', stable: '300ms', timeout: '30s' },
      },
    }));
  });

  it('its worker sleeps at each point until another has the deployment', async () => {
    await rig.sleepAtEach(POINTS);
  });

  it('its worker is killed at any moment, again and again', async () => {
    const name = 'any-moment';
    const pipeline = await rig.begin(name);
    for (let round = 1; round <= 3; round += 1) {
      const text = (await rig.serving(name)) === 'old' ? 'new' : 'old';
      await rig.hitOnce({ name, pipeline, text }, async (worker) => {
        await jitter.before(2_500);
        await worker.end('SIGKILL');
      });
    }
  });

  it('the proxy is killed, at each point', async () => {
    const proxy = { name: 'proxy', kill: () => routed.killProxy(), reasons: ['deploy_failed'] };
    await rig.loseAtEach(
      proxy,
      POINTS.map(([point]) => [point, UNRECORDED.includes(point) ? 'old' : 'new']),
    );
  });

  it('the engine is killed, at each point', async () => {
    const loss = {
      ...{ name: 'engine', kill: () => engine.kill() },
      restore: async () => {
        await jitter.before(2_000);
        await engine.begin();
      },
      reasons: ['engine_away', 'gate_failed', 'before_switch_failed'],
    };
    await rig.loseAtEach(
      loss,
      POINTS.map(([point]) => [point, BY_ENGINE[point] ?? 'new']),
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
    await killRoutedPromotions(rig, routed, containers, POINTS);
  });

  it('it is stopped, and the worker of that is killed, at each point; then it is started', async () => {
    await rig.killStopAtEach(
      (name) => containers.isStopped(name),
      (name) => routed.served(name),
    );
  });

  it('it is removed, and the worker of that is killed, at each point', async () => {
    await rig.killRemovalAtEach((name) => containers.isGone(name));
  });

  it('the proxy is killed, or the engine ends and begins again', async () => {
    const name = 'parts';
    await rig.begin(name);
    await rig.startWorker(name);
    const answers = async (): Promise<true | undefined> =>
      (await routed.served(name).catch(() => '')) === 'old' || undefined;
    await eventually(answers, END_MS);
    await routed.killProxy();
    await eventually(answers, END_MS);
    // Its containers end with it; what serves is started again by the worker.
    await engine.end();
    await engine.begin();
    await eventually(answers, END_MS);
    await rig.untilSettled(name);
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
