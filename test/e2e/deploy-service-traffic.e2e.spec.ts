import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { IdlePosts } from '../support/idle-posts.js';
import { type LongConnection, SocketStream, Stream } from '../support/long-connections.js';
import { MillraceServer } from '../support/millrace-server.js';
import { SteadyRequests } from '../support/steady-requests.js';
import { stopAll } from '../support/stop-all.js';

/** A measurement says more. */
const DEPLOYS = Number(process.env.TRAFFIC_DEPLOYS ?? 3);
const ROLLBACKS = Number(process.env.TRAFFIC_ROLLBACKS ?? 1);
const PER_SECOND = 200;

/**
 * Answers, streams events, and speaks WebSocket. At TERM it takes nothing new, ends its streams,
 * and what has begun ends by itself, as good programs do.
 */
const PROGRAM = `const { createHash } = require('node:crypto');
const streams = new Set();
const tell = (write, end) => {
  const timer = setInterval(write, 200);
  const one = { end: () => { clearInterval(timer); streams.delete(one); end(); } };
  streams.add(one);
  return one;
};
const server = require('node:http').createServer((asked, answer) => {
  if (asked.url !== '/events') return asked.resume().once('end', () => answer.end('shop'));
  answer.writeHead(200, { 'content-type': 'text/event-stream' });
  const one = tell(() => answer.write('data: tick\\n\\n'), () => answer.end());
  answer.once('close', () => one.end());
});
server.on('upgrade', (asked, socket) => {
  const key = asked.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
    'Sec-WebSocket-Accept: ' + accept, '', ''].join('\\r\\n'));
  const one = tell(() => socket.write(Buffer.from([0x81, 4, ...Buffer.from('tick')])), () => socket.end());
  socket.once('close', () => one.end());
  socket.on('error', () => undefined);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
  for (const one of streams) one.end();
});
server.listen(process.env.PORT, '127.0.0.1');
`;

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
}

/** Deploys and rollbacks of a program of the host lose nothing of what is asked of it. */
describe('deploys of programs under traffic', () => {
  let server: MillraceServer;
  let steady: readonly SteadyRequests[] = [];
  let posts: readonly IdlePosts[] = [];
  let long: readonly LongConnection[] = [];

  beforeAll(async () => {
    await buildCaddy();
    server = await MillraceServer.start();
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    for (const one of long) one.close();
    await stopAll(
      ...[...steady, ...posts].map((one) => () => one.stop().then(() => undefined)),
      () => server.stop(),
    );
  });

  const pipeline = (service: string, port: number): Promise<string> =>
    server.createPipeline(`name: ${service}
steps:
  - name: build
    environment: { PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: mkdir out && printf %s "$PROGRAM" >out/server.js
  - name: ship
    deploy:
      type: local_service
      service: ${service}
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      publish: ${port}
      gate: { path: /, stable: 200ms }
      drain: 3s
`);
  const deploy = async (id: string): Promise<string> => {
    const { status, stages } = await server.finished(await server.trigger(id), 60_000);
    expect(status).toBe('success');
    const steps = stages.flatMap((stage) => stage.steps);
    return steps.find(({ name }) => name === 'ship')?.attempts[0]?.deployment?.id ?? '';
  };

  it('lose no request, no POST of an idle connection, and no stream of another service', async () => {
    const [own, other] = [await freePort(), await freePort()];
    const shop = await pipeline('shop', own);
    let last = await deploy(shop);
    await deploy(await pipeline('blog', other));
    const urls = [own, other].map((port) => `http://127.0.0.1:${port}/`);
    steady = urls.map((url) => new SteadyRequests(url, PER_SECOND, (body) => body === 'shop'));
    posts = urls.map((url) => new IdlePosts(url));
    const both = urls.map((url) => [
      new Stream(`${url}events`),
      new SocketStream(`${url.replace('http', 'ws')}ws`),
    ]);
    long = both.flat();
    const [ownLong = [], otherLong = []] = both;
    await eventually(() => long.every(({ ticks }) => ticks > 0) || undefined);

    last = await deploy(shop);
    expect(ownLong.map(({ ended }) => ended)).toEqual([undefined, undefined]);
    await eventually(() => ownLong.every(({ ended }) => ended !== undefined) || undefined);
    for (let deployed = 1; deployed < DEPLOYS; deployed += 1) last = await deploy(shop);
    for (let done = 0; done < ROLLBACKS; done += 1) {
      const back = await server.rolledBack<DeploymentBody>(last);
      expect(back.status).toBe('success');
      last = back.deployment_id;
    }

    const sent = await Promise.all(steady.map((one) => one.stop()));
    expect(sent.map(({ failed }) => Object.fromEntries(failed))).toEqual([{}, {}]);
    expect(sent[0]?.count).toBeGreaterThan(PER_SECOND);
    const posted = await Promise.all(posts.map((one) => one.stop()));
    expect(posted.map(({ problems }) => problems)).toEqual([[], []]);
    // Each lane has been idle for its whole time at least once.
    expect(posted[0]?.sent).toBeGreaterThan(20);
    expect(otherLong.map(({ ended }) => ended)).toEqual([undefined, undefined]);
  });
});
