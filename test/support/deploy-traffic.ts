import { eventually } from './eventually.js';
import { IdlePosts } from './idle-posts.js';
import { type LongConnection, SocketStream, Stream } from './long-connections.js';
import type { MillraceServer } from './millrace-server.js';
import { SteadyRequests } from './steady-requests.js';
import { stopAll } from './stop-all.js';

/** A measurement says more: `TRAFFIC_DEPLOYS=20 TRAFFIC_ROLLBACKS=5`, of each kind. */
const DEPLOYS = Number(process.env.TRAFFIC_DEPLOYS ?? 3);
const ROLLBACKS = Number(process.env.TRAFFIC_ROLLBACKS ?? 1);
/** Only ends one that hangs. */
export const TRAFFIC_MS = 180_000 + (DEPLOYS + 4 * ROLLBACKS) * 60_000;
const PER_SECOND = 200;
const ROLLBACK_MS = 120_000;

const DRAIN_MS = 5_000;
/** A program tells every 200 ms, and may have been held up. */
const TOLERANCE_MS = 1_500;
/** Releases of a service that drain at once; of more the oldest ends before its time. */
const MAX_DRAINING = 3;

/**
 * A program in JavaScript that answers, streams the time as events, and tells it by WebSocket. At
 * TERM it takes nothing new, ends its streams, and what has begun ends by itself, as good programs
 * do. `/health` is bad where `HEALTH` is `never`, or from `/turn-sick` on; all else is well.
 */
export const TRAFFIC_PROGRAM = `const { createHash } = require('node:crypto');
const streams = new Set();
let isSick = process.env.HEALTH === 'never';
const tell = (write, end) => {
  const timer = setInterval(() => write(String(Date.now())), 200);
  const one = { end: () => { clearInterval(timer); streams.delete(one); end(); } };
  streams.add(one);
  return one;
};
const server = require('node:http').createServer((asked, answer) => {
  if (asked.url === '/turn-sick') isSick = true;
  if (asked.url === '/health' && isSick) answer.statusCode = 500;
  if (asked.url !== '/events') return asked.resume().once('end', () => answer.end('shop'));
  answer.writeHead(200, { 'content-type': 'text/event-stream' });
  const one = tell((now) => answer.write('data: ' + now + '\\n\\n'), () => answer.end());
  answer.once('close', () => one.end());
});
server.on('upgrade', (asked, socket) => {
  const key = asked.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
    'Sec-WebSocket-Accept: ' + accept, '', ''].join('\\r\\n'));
  const text = (now) => Buffer.from([0x81, now.length, ...Buffer.from(now)]);
  const one = tell((now) => socket.write(text(now)), () => socket.end());
  socket.once('close', () => one.end());
  socket.on('error', () => undefined);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
  for (const one of streams) one.end();
});
server.listen(process.env.PORT, process.env.ADDRESS ?? '127.0.0.1');
`;

/** Of an instance: ends with 0 where its own `/health` is well. */
const LOOKS_AT_HEALTH =
  'fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1))';

/** How a release comes: well, or as one from which something leads back to the one before. */
const KINDS = ['well', 'gate', 'watch', 'on_failure'] as const;
type Kind = (typeof KINDS)[number];

/** What a deploy step says of a release of `TRAFFIC_PROGRAM`. */
export interface ReleaseSettings {
  readonly variables: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/**
 * What fails is a check of the release, which goes with it: an address that fails again and again
 * would count as one that flaps, for which nothing is done.
 *
 * @param node how a command in an instance finds Node
 */
function settingsOf(kind: Kind, node: string): ReleaseSettings {
  const command = [node, '-e', LOOKS_AT_HEALTH];
  const back = {
    on_failure: { actions: ['rollback'], backoff: '1s', window: '1m' },
    checks: [{ type: 'exec', name: 'health', command, interval: '4s', timeout: '3s' }],
  };
  return {
    variables: { HEALTH: kind === 'gate' ? 'never' : 'well' },
    gate: { path: '/health', stable: '200ms', timeout: kind === 'gate' ? '2s' : '60s' },
    drain: `${DRAIN_MS}ms`,
    ...(kind === 'watch' && { watch: '10m' }),
    ...(kind === 'on_failure' && back),
  };
}

/** The keys of a deploy step by which a service is published at ports, one for each part. */
export type Ship = (
  service: string,
  ports: readonly number[],
  release: ReleaseSettings,
) => Readonly<Record<string, unknown>>;

/** A program of the host. */
export const programShip: Ship = (service, [port], release) => ({
  ...{ type: 'local_service', service, publish: port },
  run: [process.execPath, '-e', TRAFFIC_PROGRAM],
  ...release,
});

export interface TrafficSubject {
  readonly shop: Ship;
  readonly blog: Ship;
  readonly ports: readonly [shop: readonly number[], blog: number];
  /** How a command in an instance at the first port of `shop` finds Node. */
  readonly node: string;
}

interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly status: string;
  readonly triggered_by: string;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly phases: readonly { readonly name: string; readonly started_at: string }[];
}

/** Streams of the own service that were open at a switch. */
interface Drained {
  readonly switchedAt: number;
  readonly streams: readonly LongConnection[];
}

/** What was done, and what was lost by it. */
export interface TrafficReport {
  readonly requests: number;
  readonly posts: number;
  /** Switches of the service that was deployed, and releases that its gate refused. */
  readonly switches: number;
  readonly refused: number;
  /** From each switch to the last word of a stream to what served before; the shortest of them. */
  readonly livedMs: readonly number[];
  /** What should not have happened. */
  readonly losses: readonly string[];
}

/**
 * Deploys and rolls back one service, `shop`, while it and another one, `blog`, are asked for all
 * that an HTTP service is asked for: 200 requests a second each, by connections that stay open and
 * by new ones; POSTs on connections that were idle for long; server-sent events; WebSockets.
 */
export class DeployTraffic {
  private readonly steady: readonly SteadyRequests[];
  private readonly posts: readonly IdlePosts[];
  private readonly others: readonly LongConnection[];
  /** Streams to the own service, of all its releases. */
  private readonly own: LongConnection[] = [];
  private readonly drained: Drained[] = [];
  /** How the own streams were over a refusal, from which nothing was switched. */
  private readonly refusals: (readonly (string | undefined)[])[] = [];

  private constructor(
    private readonly server: MillraceServer,
    private readonly pipelines: ReadonlyMap<Kind, string>,
    private readonly ownUrls: readonly string[],
    otherUrl: string,
    /** The deployment by which `shop` serves. */
    private serving: string,
  ) {
    const urls = [...ownUrls, otherUrl];
    this.steady = urls.map((url) => new SteadyRequests(url, PER_SECOND, (body) => body === 'shop'));
    this.posts = urls.map((url) => new IdlePosts(url));
    this.others = streamsTo(otherUrl);
  }

  /** Deploys both services for the first time and begins to ask them. */
  static async begin(
    server: MillraceServer,
    { shop, blog, ports: [own, other], node }: TrafficSubject,
  ): Promise<DeployTraffic> {
    const create = async (name: string, keys: ReturnType<Ship>): Promise<string> =>
      // JSON is YAML.
      server.createPipeline(JSON.stringify({ name, steps: [{ name: 'ship', deploy: keys }] }));
    const pipelines = new Map<Kind, string>();
    for (const kind of KINDS) {
      pipelines.set(kind, await create(`shop-${kind}`, shop('shop', own, settingsOf(kind, node))));
    }
    const first = await deploy(server, pipelines.get('well') ?? '');
    const blogs = await create('blog', blog('blog', [other], settingsOf('well', node)));
    for (const { status, reason } of [first, await deploy(server, blogs)]) {
      if (status !== 'success') throw new Error(`the first deployment: ${reason?.message}`);
    }
    const urls = own.map((port) => urlAt(port));
    return new DeployTraffic(server, pipelines, urls, urlAt(other), first.deployment_id);
  }

  /** Deploys and rollbacks of each kind, as often as the run asks for. */
  async deployAndGoBack(): Promise<void> {
    for (let done = 0; done < DEPLOYS; done += 1) await this.deployed('well');
    for (let done = 0; done < ROLLBACKS; done += 1) {
      await this.deployed('well');
      // What drains still comes back as it is, and its streams live on.
      await this.untilDraining(0);
      await this.switched(() => this.server.rolledBack<DeploymentBody>(this.serving));
      await this.refusedByGate();
      await this.goneBackFrom('watch');
      await this.goneBackFrom('on_failure');
    }
  }

  /** Ends the asking, once all that drains has ended. */
  async end(): Promise<TrafficReport> {
    await this.untilDraining(0);
    const requests = await Promise.all(this.steady.map((one) => one.stop()));
    const posts = await Promise.all(this.posts.map((one) => one.stop()));
    const livedMs = this.drained.map(({ streams, switchedAt }) =>
      Math.min(...streams.map(({ last }) => toldAt(last) - switchedAt)),
    );
    const report = {
      requests: sum(requests.map(({ count }) => count)),
      posts: sum(posts.map(({ sent }) => sent)),
      switches: this.drained.length,
      refused: this.refusals.length,
      livedMs,
      losses: [
        ...requests.flatMap(({ failed }) => [...failed].map((one) => `GET ${one.join(' x ')}`)),
        ...requests.flatMap(({ count, due }) =>
          count * 2 < due ? [`${count} of ${due} GETs were sent`] : [],
        ),
        ...posts.flatMap(({ problems }) => problems.map((problem) => `POST ${problem}`)),
        // Each lane has been idle for its whole time at least once.
        ...posts.flatMap(({ sent }) => (sent > 20 ? [] : [`only ${sent} POSTs were sent`])),
        ...livedMs.flatMap((ms) =>
          ms < DRAIN_MS - TOLERANCE_MS ? [`a stream ended ${ms} ms behind the switch`] : [],
        ),
        ...this.refusals.flat().flatMap((ended) => (ended ? [`over a refusal: ${ended}`] : [])),
        ...this.others.flatMap(({ ended }) => (ended ? [`a stream of blog: ${ended}`] : [])),
      ],
    };
    if (process.env.TRAFFIC_DEPLOYS) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report;
  }

  /** For the end of a spec, also of one that failed. */
  async close(): Promise<void> {
    for (const one of [...this.own, ...this.others]) one.close();
    await stopAll(...[...this.steady, ...this.posts].map((one) => () => one.stop()));
  }

  private deployed(kind: Kind): Promise<void> {
    return this.switched(() => deploy(this.server, this.pipelines.get(kind) ?? ''));
  }

  /** A new release that never passes its gate. */
  private async refusedByGate(): Promise<void> {
    const streams = await this.openStreams();
    const { status, reason } = await deploy(this.server, this.pipelines.get('gate') ?? '');
    const isRefused = ['gate_failed', 'part_failed'].includes(reason?.code ?? '');
    if (status !== 'failed' || !isRefused) throw new Error(`the gate: ${reason?.message}`);
    this.refusals.push(streams.map(({ ended }) => ended));
    for (const one of streams) one.close();
  }

  /** A release that passes its gate and turns sick: the server goes back from it by itself. */
  private async goneBackFrom(kind: 'watch' | 'on_failure'): Promise<void> {
    await this.deployed(kind);
    await this.untilDraining(0);
    await this.switched(async () => {
      const known = new Set((await this.deployments()).map((one) => one.deployment_id));
      const [url = ''] = this.ownUrls;
      await fetch(`${url}turn-sick`, { headers: { connection: 'close' } });
      const { deployment_id: id } = await eventually(
        async () => (await this.deployments()).find((one) => isOwnRollback(one, known)),
        ROLLBACK_MS,
      );
      return this.server.endedDeployment<DeploymentBody>(id);
    });
  }

  private async deployments(): Promise<readonly DeploymentBody[]> {
    const path = '/api/deployments?service=shop';
    return (await this.server.call<{ items: readonly DeploymentBody[] }>('GET', path)).items;
  }

  /** Does what must switch the service, over streams that are open to it. */
  private async switched(work: () => Promise<DeploymentBody>): Promise<void> {
    await this.untilDraining(MAX_DRAINING - 1);
    const streams = await this.openStreams();
    const { deployment_id: id, status, reason, phases } = await work();
    if (status !== 'success') throw new Error(`${id}: ${reason?.message}`);
    const began = phases.find(({ name }) => name === 'switch')?.started_at ?? '';
    this.drained.push({ switchedAt: Date.parse(began), streams });
    this.serving = id;
  }

  /** Waits until streams of at most so many releases are open that serve no more. */
  private async untilDraining(most: number): Promise<void> {
    const isDraining = ({ streams }: Drained): boolean => !streams.every(hasEnded);
    await eventually(
      () => this.drained.filter(isDraining).length <= most || undefined,
      DRAIN_MS + 60_000,
    );
  }

  private async openStreams(): Promise<readonly LongConnection[]> {
    const streams = this.ownUrls.flatMap(streamsTo);
    this.own.push(...streams);
    await eventually(() => streams.every(({ ticks }) => ticks > 0) || undefined);
    return streams;
  }
}

async function deploy(server: MillraceServer, pipeline: string): Promise<DeploymentBody> {
  const { stages } = await server.finished(await server.trigger(pipeline), 120_000);
  const [step] = stages.flatMap((stage) => stage.steps);
  const id = step?.attempts[0]?.deployment?.id;
  if (id === undefined) throw new Error(`nothing was deployed: ${step?.reason?.message}`);
  return server.call<DeploymentBody>('GET', `/api/deployments/${id}`);
}

function isOwnRollback(one: DeploymentBody, known: ReadonlySet<string>): boolean {
  return one.kind === 'rollback' && one.triggered_by === 'system' && !known.has(one.deployment_id);
}

function streamsTo(url: string): readonly LongConnection[] {
  return [new Stream(`${url}events`), new SocketStream(`${url.replace('http', 'ws')}ws`)];
}

function urlAt(port: number): string {
  return `http://127.0.0.1:${port}/`;
}

function hasEnded({ ended }: LongConnection): boolean {
  return ended !== undefined;
}

/** When a program told it, in ms since 1970. */
function toldAt(text: string): number {
  return Number(/(\d+)\s*$/.exec(text)?.[1]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
