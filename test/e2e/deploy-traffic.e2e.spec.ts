import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { Stream } from '../support/long-connections.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { SteadyRequests } from '../support/steady-requests.js';
import { makeStepImage } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** `npm run bench` style runs say more. */
const DEPLOYS = Number(process.env.TRAFFIC_DEPLOYS ?? 3);
const ROLLBACKS = Number(process.env.TRAFFIC_ROLLBACKS ?? 1);
const PER_SECOND = 200;
/** Lines of a stream, one for each second. */
const STREAM =
  '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nwhile :; do echo tick; sleep 1; done\n';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
}

/** Deploys and rollbacks of a container lose no request, and close no stream of another service. */
describeWith(PROGRAMS, { root: true }, 'deploys under traffic', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let load: readonly SteadyRequests[] = [];
  let streams: readonly Stream[] = [];

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    await makeStepImage(
      engine,
      'web:1',
      ['CMD ["httpd", "-f", "-p", "8080", "-h", "/srv"]'],
      async (root) => {
        await mkdir(join(root, 'srv/cgi-bin'), { recursive: true });
        await writeFile(join(root, 'srv/index.html'), 'shop');
        await writeFile(join(root, 'srv/cgi-bin/stream'), STREAM);
        await chmod(join(root, 'srv/cgi-bin/stream'), 0o755);
      },
    );
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    for (const stream of streams) stream.close();
    await stopAll(
      ...load.map((one) => () => one.stop().then(() => undefined)),
      () => server.stop(),
      () => engine.stop(),
    );
  });

  const pipeline = (service: string, port: number, drain: string): Promise<string> =>
    server.createPipeline(`name: ${service}
steps:
  - name: ship
    deploy:
      type: docker_container
      service: ${service}
      image: web:1
      port: 8080
      publish: ${port}
      gate: { path: /, stable: 200ms }
      drain: ${drain}
`);
  const deploy = async (id: string): Promise<string> => {
    const { status, stages } = await server.finished(await server.trigger(id));
    expect(status).toBe('success');
    return stages[0]?.steps[0]?.attempts[0]?.deployment?.id ?? '';
  };

  it('lose none of 200 requests a second, and end streams by their drain only', async () => {
    const [own, other] = [await freePort(), await freePort()];
    const [shop, blog] = [await pipeline('shop', own, '3s'), await pipeline('blog', other, '3s')];
    let last = await deploy(shop);
    await deploy(blog);
    load = [own, other].map(
      (port) =>
        new SteadyRequests(`http://127.0.0.1:${port}/`, PER_SECOND, (body) => body === 'shop'),
    );
    streams = [own, other].map((port) => new Stream(`http://127.0.0.1:${port}/cgi-bin/stream`));
    const [ownStream, otherStream] = streams;
    await eventually(() => (ownStream?.ticks && otherStream?.ticks ? true : undefined));

    last = await deploy(shop);
    expect(ownStream?.ended).toBeUndefined();
    await eventually(() => ownStream?.ended);
    for (let deployed = 1; deployed < DEPLOYS; deployed += 1) last = await deploy(shop);
    for (let done = 0; done < ROLLBACKS; done += 1) {
      const back = await server.rolledBack<DeploymentBody>(last);
      expect(back.status).toBe('success');
      last = back.deployment_id;
    }

    const sent = await Promise.all(load.map((one) => one.stop()));
    expect(sent.map(({ failed }) => Object.fromEntries(failed))).toEqual([{}, {}]);
    expect(sent[0]?.count).toBeGreaterThan(PER_SECOND);
    expect(otherStream?.ended).toBeUndefined();
  });
});
