import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { stopAll } from '../support/stop-all.js';
import { ContainerServices, makeWebImages } from './support/container-services.js';
import { type DeploymentPoint, DeploymentRig, ofThisRun } from './support/deployment-rig.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';
import { ProgramServices, TEXT_PROGRAM } from './support/program-services.js';
import { RoutedServices } from './support/routed-services.js';

jest.setTimeout(400_000);

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** Of each part: of the unit that serves, of the one before, and one that was taken back. */
const MOST_KEPT = 3;
/** Where a unit is stopped, and which release of its parts serves when all is over. */
const POINTS: readonly DeploymentPoint[] = [
  ['unit_parts_named', 'old'],
  ['release_prepared', 'old'],
  ['instance_started', 'old'],
  ['gate_passed', 'old'],
  ['unit_parts_ready', 'old'],
  ['unit_switching', 'old'],
  ['release_switched', 'old'],
  ['part_switched', 'old'],
  ['unit_serving', 'new'],
];

/** The container is switched first. */
const yaml = (name: string, [program, container]: readonly number[]): string => `name: ${name}
runs_on: [${name}]
triggers: [{ manual: { inputs: { text: { type: string, default: old } } } }]
steps:
  - run: mkdir -p out; printf %s "$PROGRAM" >out/server.js; printf "$TEXT" >out/text
    environment: { TEXT: "\${{ inputs.text }}", PROGRAM: ${JSON.stringify(TEXT_PROGRAM)} }
  - name: ship
    deploy:
      type: hybrid
      service: ${name}
      keep: 1
      parts:
        - type: local_service
          service: ${name}-p
          needs: ${name}-c
          source: out
          run: [${JSON.stringify(process.execPath)}, server.js]
          publish: ${program}
          gate: { path: /, stable: 300ms, timeout: 60s }
          drain: 0
        - type: docker_container
          service: ${name}-c
          image: "web:\${{ inputs.text }}"
          port: 8080
          publish: ${container}
          gate: { path: /, stable: 300ms, timeout: 60s }
          drain: 0
`;

describeWith(PROGRAMS, { root: true }, 'a deployment of a program and a container, when', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let rig: DeploymentRig;
  let routed: RoutedServices;
  let containers: ContainerServices;
  let programs: ProgramServices;
  const jitter = new Jitter('program-unit-deployments');

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
    programs = new ProgramServices(server.home, routed);
    rig = new DeploymentRig(server, {
      yaml: async (name) =>
        yaml(name, await Promise.all(partsOf(name).map((part) => routed.portOf(part)))),
      servicesOf: (name) => [name, ...partsOf(name)],
      serving,
      leftOf,
      expectMeanwhile: async (name) => {
        for (const part of partsOf(name)) await routed.expectAnswer(part);
      },
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

  const partsOf = (name: string): readonly string[] => [`${name}-p`, `${name}-c`];
  /** Both parts answer the same. */
  const serving = async (name: string): Promise<string> => {
    const texts = await Promise.all(partsOf(name).map((part) => routed.served(part)));
    expect(texts).toEqual([texts[0], texts[0]]);
    return texts[0] ?? '';
  };
  const leftOf = async (name: string): Promise<readonly string[]> => {
    const [program = '', container = ''] = partsOf(name);
    const left = await Promise.all([
      programs.leftOf(program, await rig.servedNumbers(program), MOST_KEPT),
      containers.leftOf(container, await rig.servedNumbers(container), MOST_KEPT),
    ]);
    return left.flat();
  };

  it('its worker is killed, at each point', async () => {
    await rig.killAtEach(ofThisRun(POINTS));
  });

  it('the engine is killed, before and between the switches', async () => {
    const loss = {
      ...{ name: 'engine', kill: () => engine.kill(), reasons: ['part_failed'] },
      restore: async () => {
        await jitter.before(2_000);
        await engine.begin();
      },
    };
    // To switch, the proxy is enough; but an engine that begins ends what it finds running.
    await rig.loseAtEach(loss, [
      ['instance_started', 'old'],
      ['unit_switching', 'either'],
      ['part_switched', 'new'],
    ]);
  });

  it('the proxy is killed, before and between the switches', async () => {
    const loss = { name: 'proxy', kill: () => routed.killProxy(), reasons: ['part_failed'] };
    // It alone knows of a switch that is not recorded yet.
    await rig.loseAtEach(loss, [
      ['unit_switching', 'new'],
      ['release_switched', 'old'],
      ['part_switched', 'new'],
    ]);
  });

  it('a rollback is under way, its worker is killed, at each point', async () => {
    await rig.killRollbackAtEach(['unit_switching', 'part_switched', 'unit_serving']);
  });

  it('it is stopped, and the worker of that is killed, at each point; then it is started', async () => {
    const isStopped = async (name: string): Promise<boolean> => {
      const [program = '', container = ''] = partsOf(name);
      return (await programs.isStopped(program)) && (await containers.isStopped(container));
    };
    await rig.killStopAtEach(isStopped, serving, {
      points: ['unit_parts_named', 'part_switched'],
      startedBy: 'parts_serve',
    });
  });

  it('it is removed, and the worker of that is killed, at each point', async () => {
    await rig.killRemovalAtEach(async (name) => {
      const [program = '', container = ''] = partsOf(name);
      return (await programs.isGone(program)) && (await containers.isGone(container));
    });
  });

  it('keeps the invariants through all of that', async () => {
    await server.startWorker();
    await expectInvariants({ server });
  });
});
