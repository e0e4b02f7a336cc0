import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import {
  DeployTraffic,
  programShip,
  type Ship,
  TRAFFIC_MS,
  TRAFFIC_PROGRAM,
} from '../support/deploy-traffic.js';
import { DockerEngine } from '../support/docker-engine.js';
import { freePort } from '../support/free-port.js';
import { makeNodeStepImage } from '../support/language-images.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const IMAGE = 'web:1';
jest.setTimeout(TRAFFIC_MS);

const container: Ship = (service, [port], { variables, ...release }) => ({
  ...{ type: 'docker_container', service, image: IMAGE, port: 8080, publish: port },
  command: ['node', '-e', TRAFFIC_PROGRAM],
  variables: { ...variables, ADDRESS: '0.0.0.0' },
  ...release,
});
/** A program beside a container: it is the program that is refused, or turns sick. */
const unit: Ship = (service, [first = 0, second = 0], { variables, gate, drain, ...back }) => ({
  ...{ type: 'hybrid', service },
  parts: [
    { ...programShip('shop-api', [first], { variables, gate, drain }), ...back, needs: 'shop-web' },
    container('shop-web', [second], { variables: { HEALTH: 'well' }, gate, drain }),
  ],
});

/** Deploys and rollbacks lose no request, and close no stream of another service. */
describeWith(PROGRAMS, { root: true }, 'deploys under traffic', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let traffic: DeployTraffic | undefined;

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    await makeNodeStepImage(engine, IMAGE);
  }, CADDY_BUILD_MS);
  beforeEach(async () => {
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
  });
  afterEach(async () => {
    await stopAll(
      () => traffic?.close(),
      () => server.stop(),
    );
    traffic = undefined;
  });
  afterAll(() => engine.stop());

  it('of a container lose none', async () => {
    traffic = await DeployTraffic.begin(server, {
      ...{ shop: container, blog: container, node: 'node' },
      ports: [[await freePort()], await freePort()],
    });
    await traffic.deployAndGoBack();
    expect((await traffic.end()).losses).toEqual([]);
  });

  it('of a unit of a program and a container lose none', async () => {
    traffic = await DeployTraffic.begin(server, {
      ...{ shop: unit, blog: programShip, node: process.execPath },
      ports: [[await freePort(), await freePort()], await freePort()],
    });
    await traffic.deployAndGoBack();
    expect((await traffic.end()).losses).toEqual([]);
  });
});
