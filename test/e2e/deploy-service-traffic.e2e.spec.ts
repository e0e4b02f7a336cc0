import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DeployTraffic, programShip, TRAFFIC_MS } from '../support/deploy-traffic.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';

jest.setTimeout(TRAFFIC_MS);

/** Deploys and rollbacks of a program of the host lose nothing of what is asked of it. */
describe('deploys of programs under traffic', () => {
  let server: MillraceServer;
  let traffic: DeployTraffic | undefined;

  beforeAll(async () => {
    await buildCaddy();
    server = await MillraceServer.start();
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    await stopAll(
      () => traffic?.close(),
      () => server.stop(),
    );
  });

  it('lose no request, no POST of an idle connection, and no stream of another service', async () => {
    traffic = await DeployTraffic.begin(server, {
      ...{ shop: programShip, blog: programShip, node: process.execPath },
      ports: [[await freePort()], await freePort()],
    });
    await traffic.deployAndGoBack();
    expect((await traffic.end()).losses).toEqual([]);
  });
});
