import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CADDY_BUILD_MS, CaddyUnderTest } from '../../../test/support/caddy-under-test.js';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { isAlive } from '../../common/child-process/process-stat.js';
import { livingProcess } from '../../embedded/system/process-identity.js';
import { CaddyProxy } from './caddy-proxy.js';
import type { Route } from './reverse-proxy.js';

/** An application that says its name, streams, echoes and counts what is sent to it. */
class Application {
  readonly streams = new Set<{ write(text: string): unknown }>();
  /** Headers of the last request. */
  headers: IncomingMessage['headers'] = {};
  /** Answers by path, other than usual. */
  readonly answers = new Map<string, readonly [status: number, body: string]>();
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly name: string,
    private readonly server: Server,
  ) {}

  static async start(name: string): Promise<Application> {
    const server = createServer();
    const application = new Application(name, server);
    server.on('request', (incoming, response) => {
      application.headers = incoming.headers;
      if (incoming.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${name}\n\n`);
        application.streams.add(response);
        return;
      }
      const answer = application.answers.get(incoming.url ?? '');
      if (answer !== undefined) {
        response.writeHead(answer[0], { 'x-from': name }).end(answer[1]);
        return;
      }
      let size = 0;
      incoming.on('data', (part: Buffer) => (size += part.length));
      incoming.on('end', () => response.end(`${name} ${incoming.method ?? ''} ${size}`));
    });
    server.on('upgrade', ({ headers }, socket: Socket) => {
      const key = `${headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.on('data', (part: Buffer) => socket.write(`${name}:${part.toString()}`));
      socket.on('error', () => undefined);
    });
    server.on('connection', (socket: Socket) => application.sockets.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return application;
  }

  get upstream() {
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }

  say(text: string): void {
    for (const stream of this.streams) stream.write(`data: ${text}\n\n`);
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** What came of a connection, until now; asked for until it is there. */
class Received {
  text = '';
  isClosed = false;

  constructor(source: NodeJS.ReadableStream) {
    source.on('data', (part: Buffer) => (this.text += part.toString()));
    source.on('error', () => (this.isClosed = true));
    source.on('close', () => (this.isClosed = true));
  }

  async has(text: string): Promise<void> {
    await eventually(() => {
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.text)}`);
      return this.text.includes(text) || undefined;
    });
  }
}

/** A stream, a WebSocket and an upload that have begun at a port. */
class Begun {
  private constructor(
    private readonly events: Received,
    private readonly socket: Socket,
    private readonly echoes: Received,
    private readonly upload: ReturnType<typeof request>,
    private readonly uploaded: Promise<string>,
  ) {}

  static async at(port: number, application: Application): Promise<Begun> {
    const events = await new Promise<Received>((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', path: '/events', agent: false });
      asked.once('response', (response) => resolve(new Received(response)));
      asked.once('error', reject);
      asked.end();
    });
    const socket = connect(port, '127.0.0.1');
    const echoes = new Received(socket);
    socket.write(
      `GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'a'.repeat(22)}==\r\n\r\n`,
    );
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/upload', agent: false };
    const upload = request(options);
    const uploaded = new Promise<string>((resolve, reject) => {
      upload.once('response', (response) => resolve(bodyOf(response)));
      upload.once('error', reject);
    });
    uploaded.catch(() => undefined);
    upload.write('x'.repeat(1000));
    await events.has(application.name);
    await echoes.has('101');
    const begun = new Begun(events, socket, echoes, upload, uploaded);
    await begun.isAlive(application, 'at first');
    return begun;
  }

  async isAlive(application: Application, text: string): Promise<void> {
    application.say(text);
    await this.events.has(text);
    this.socket.write(text);
    await this.echoes.has(`${application.name}:${text}`);
    this.upload.write('x'.repeat(1000));
  }

  /** @returns what the upload was answered */
  async end(): Promise<string> {
    this.upload.end();
    const answer = await this.uploaded;
    this.socket.destroy();
    return answer;
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response) text += String(part);
  return text;
}

describe('traffic through Caddy', () => {
  let under: CaddyUnderTest;
  let proxy: CaddyProxy;
  let version: string;
  let old: Application;
  let next: Application;
  let other: Application;
  let ports: readonly [number, number, number];

  beforeAll(async () => {
    under = await CaddyUnderTest.make();
    proxy = new CaddyProxy(under.caddy);
    old = await Application.start('old');
    next = await Application.start('next');
    other = await Application.start('other');
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    for (const application of [old, next, other]) application.close();
    await under.close();
  });
  beforeEach(async () => {
    ports = [await freePort(), await freePort(), await freePort()];
    version = (await proxy.current()).version;
    await apply(web(old), shop());
  });

  const at = (id: string, port: number, { upstream }: Application): Route => ({
    id,
    listen: { address: '127.0.0.1', port },
    upstream,
  });
  const web = (application: Application): Route => at('web', ports[0], application);
  const shop = (): Route => at('shop', ports[1], other);
  const apply = async (...routes: Route[]): Promise<void> => {
    version = (await proxy.apply(routes, version)).version;
  };
  let switches = 0;
  /** As a deployment does it: beside the list of the routes. */
  const switchWeb = async ({ upstream }: Application): Promise<void> => {
    const token = `deployment.${(switches += 1)}`;
    await proxy.arm('web', upstream, token);
    await proxy.switchTo('web', token);
  };
  const ask = async (port: number, { agent = new Agent(), body = '', headers = {} } = {}) => {
    const method = body === '' ? 'GET' : 'POST';
    const asked = request({ port, host: '127.0.0.1', method, path: '/', agent, headers });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return bodyOf(response);
  };

  it('goes to the new upstream from the next request on; what has begun stays with the old', async () => {
    const own = await Begun.at(ports[0], old);
    const others = await Begun.at(ports[1], other);
    for (const [round, application] of [next, old, next].entries()) {
      await switchWeb(application);
      expect(await ask(ports[0])).toBe(`${application.name} GET 0`);
      await own.isAlive(old, `round ${round}`);
      await others.isAlive(other, `round ${round}`);
    }
    expect(await own.end()).toBe('old POST 5000');
    expect(await others.end()).toBe('other POST 5000');
  });

  it('is answered 503 until something was deployed, and then by that', async () => {
    const { id, listen } = web(old);
    await apply({ id, listen }, shop());
    const asked = request({ port: ports[0], host: '127.0.0.1', path: '/x', agent: new Agent() });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(503);
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(await bodyOf(response)).toBe('Nothing has been deployed here yet.\n');
    await switchWeb(next);
    expect(await ask(ports[0])).toBe('next GET 0');
  });

  it('ends at the old upstream when that ends', async () => {
    const leaving = await Application.start('leaving');
    await apply(web(leaving), shop());
    const own = await Begun.at(ports[0], leaving);
    await switchWeb(next);
    leaving.close();
    await expect(own.isAlive(leaving, 'after')).rejects.toThrow('closed');
    expect(await ask(ports[0])).toBe('next GET 0');
  });

  it('continues in all that has begun when a port is added and removed, its own one too', async () => {
    const own = await Begun.at(ports[0], old);
    const others = await Begun.at(ports[1], other);
    await apply(web(old), shop(), at('third', ports[2], next));
    expect(await ask(ports[2])).toBe('next GET 0');
    await own.isAlive(old, 'added');
    await others.isAlive(other, 'added');
    await apply(shop());
    await expect(ask(ports[0])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await own.isAlive(old, 'removed');
    await others.isAlive(other, 'removed');
    expect(await ask(ports[1])).toBe('other GET 0');
    expect(await own.end()).toBe('old POST 4000');
    expect(await others.end()).toBe('other POST 4000');
  });

  it('continues in all that has begun when Caddy refuses other routes', async () => {
    const own = await Begun.at(ports[0], old);
    // An address that this machine has not, at a port of our own: Caddy alone can say so.
    const wrong: Route = {
      id: 'wrong',
      listen: { address: '192.0.2.1', port: ports[0] },
      upstream: next.upstream,
    };
    await expect(proxy.apply([web(next), shop(), wrong], version)).rejects.toMatchObject({
      code: 'address_missing',
      routeIds: ['wrong'],
    });
    expect(await proxy.current()).toMatchObject({ routes: [shop(), web(old)], version });
    await own.isAlive(old, 'refused');
    expect(await ask(ports[0])).toBe('old GET 0');
    expect(await own.end()).toBe('old POST 3000');
  });

  it('loses no request while upstreams change, on kept connections and fresh ones', async () => {
    const stop = new AbortController();
    const answers = new Map<string, number>();
    const count = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1);
    const client = async (port: number, agent: Agent | undefined): Promise<void> => {
      while (!stop.signal.aborted) {
        await ask(port, { agent: agent ?? new Agent(), body: 'x' }).then(count, (error: Error) =>
          count(`failed: ${error.message}`),
        );
        await sleep(2);
      }
    };
    const kept = new Agent({ keepAlive: true });
    const clients = [ports[0], ports[1]].flatMap((port) =>
      [kept, kept, undefined, undefined].map((agent) => client(port, agent)),
    );
    for (let round = 0; round < 25; round += 1) {
      const from = total(answers);
      await eventually(() => total(answers) > from + 10 || undefined);
      const application = round % 2 === 0 ? next : old;
      await switchWeb(application);
      expect(await ask(ports[0], { agent: kept })).toBe(`${application.name} GET 0`);
    }
    stop.abort();
    await Promise.all(clients);
    kept.destroy();
    expect([...answers.keys()].sort()).toEqual(['next POST 1', 'old POST 1', 'other POST 1']);
  });

  it('says who asks in headers of its own, whatever the client says', async () => {
    const forged = '203.0.113.7';
    const headers = {
      forwarded: `for=${forged}`,
      'x-forwarded-for': forged,
      'x-forwarded-host': forged,
      'x-forwarded-proto': 'https',
      'x-real-ip': forged,
      host: 'example.org',
    };
    await ask(ports[0], { headers });
    expect(old.headers).toMatchObject({
      host: 'example.org',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'example.org',
      'x-forwarded-proto': 'http',
      'x-real-ip': '127.0.0.1',
    });
    expect(JSON.stringify(old.headers)).not.toContain(forged);
    // What the client takes is asked for, and nothing else.
    expect(old.headers).not.toHaveProperty('accept-encoding');
  });

  it('is not sent again where the upstream took it and did not answer', async () => {
    const taken: string[] = [];
    const silent = createServer(({ method, socket }) => {
      taken.push(method ?? '');
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const upstream = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port };
      await apply({ ...web(old), upstream }, shop());
      await ask(ports[0], { body: 'x' });
      expect(taken).toEqual(['POST']);
    } finally {
      silent.close();
    }
  });

  it('may end when Caddy is told to end, and keeps it no longer than its grace', async () => {
    const leaving = await CaddyUnderTest.make();
    const slow = await Application.start('slow');
    try {
      const own = new CaddyProxy(leaving.caddy);
      const port = await freePort();
      await own.apply([at('slow', port, slow)], (await own.current()).version);
      const caddy = livingProcess(join(leaving.home, 'caddy/process.json'));
      if (caddy === undefined) throw new Error('no Caddy runs');
      const begun = await Begun.at(port, slow);
      process.kill(caddy.pid, 'SIGTERM');
      await eventually(() =>
        ask(port).then(
          () => undefined,
          () => true,
        ),
      );
      expect(await begun.end()).toBe('slow POST 2000');
      // Its stream does not end.
      await eventually(() => !isAlive(caddy) || undefined);
    } finally {
      slow.close();
      await leaving.close();
    }
  });

  describe('static files that the upstream does not have', () => {
    let before: Application;

    beforeEach(async () => {
      before = await Application.start('before');
      const upstream = { ...next.upstream, assetsFrom: before.upstream };
      await apply({ ...web(next), upstream }, shop());
      for (const path of ['/app.1.js', '/APP.1.CSS', '/page', '/broken.js', '/both.js']) {
        next.answers.set(path, [404, 'next has no such file']);
        before.answers.set(path, [200, `before ${path}`]);
      }
      before.answers.set('/broken.js', [500, 'before is broken']);
      next.answers.set('/both.js', [200, 'next /both.js']);
    });
    afterEach(() => {
      next.answers.clear();
      before.close();
    });

    const get = async (path: string, method = 'GET') => {
      const url = `http://127.0.0.1:${ports[0]}${path}`;
      const answer = await fetch(url, { method });
      return [answer.status, await answer.text()];
    };
    const missing = [404, 'next has no such file'];

    it('are those of the program beside it, by GET and HEAD', async () => {
      expect(await get('/app.1.js')).toEqual([200, 'before /app.1.js']);
      expect(await get('/APP.1.CSS')).toEqual([200, 'before /APP.1.CSS']);
      expect(await get('/app.1.js', 'HEAD')).toEqual([200, '']);
      expect(await get('/both.js')).toEqual([200, 'next /both.js']);
    });

    it('are missing where they are no static file, or not only read', async () => {
      expect(await get('/page')).toEqual(missing);
      expect(await get('/app.1.js', 'POST')).toEqual(missing);
    });

    it('are missing as the upstream says it where the other one fails, or is gone', async () => {
      expect(await get('/broken.js')).toEqual(missing);
      before.close();
      expect(await get('/app.1.js')).toEqual(missing);
    });

    it('are told as a part of where the route leads, and asked of nobody after the next switch', async () => {
      const assetsFrom = before.upstream;
      expect(await proxy.upstreamOf('web')).toEqual({ ...next.upstream, assetsFrom });
      await switchWeb(next);
      expect(await proxy.upstreamOf('web')).toEqual(next.upstream);
      expect(await get('/app.1.js')).toEqual(missing);
    });
  });
});

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, each) => sum + each, 0);
}
