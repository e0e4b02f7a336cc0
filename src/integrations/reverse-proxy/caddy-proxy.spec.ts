import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CADDY_OPTIONS, caddyConfig } from './caddy-config.js';
import { type CaddyAddress, CaddyProxy } from './caddy-proxy.js';
import { ProxyAwayError, type Route } from './reverse-proxy.js';

const NO_ROUTES = { status: 200, body: '{"admin":{}}' };
/** The connection is closed without an answer. */
const CLOSED = { status: 0, body: '' };

function proxyAt(address: CaddyAddress): CaddyProxy {
  return new CaddyProxy({ ensure: async () => address, running: async () => address });
}

describe('routes in Caddy', () => {
  let folder: string;
  let admin: HttpServer;
  let answers: { status: number; body: string }[];
  let methods: string[];
  let proxy: CaddyProxy;
  let used: Server;
  let route: Route;

  /** Answers by what is listed; without any, with a configuration that has no routes. */
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-proxy-spec-'));
    [answers, methods] = [[], []];
    admin = createHttpServer(({ method, socket: connection }, response) => {
      methods.push(method ?? '');
      const { status, body } = answers.shift() ?? NO_ROUTES;
      if (status === 0) {
        connection.destroy();
        return;
      }
      response.writeHead(status, { etag: '"/config/ 1"' }).end(body);
    });
    const [socket, upstreams] = [join(folder, 'admin.sock'), join(folder, 'upstreams')];
    await mkdir(upstreams);
    admin.listen(socket);
    await once(admin, 'listening');
    used = createServer().listen(0, '127.0.0.1');
    await once(used, 'listening');
    proxy = proxyAt({ socket, upstreams });
    const { port } = used.address() as AddressInfo;
    const upstream = { host: '127.0.0.1', port: 7001 };
    route = { id: 'web', listen: { address: '127.0.0.1', port }, upstream };
  });
  afterEach(async () => {
    used.close();
    admin.close();
    await rm(folder, { recursive: true });
  });

  const files = () => readdir(join(folder, 'upstreams'));
  const applied = async () => proxy.apply([route], (await proxy.current()).version);

  it('are not told to it where another program has the port: others would lose requests', async () => {
    await expect(applied()).rejects.toMatchObject({ code: 'port_in_use', routeIds: ['web'] });
    expect(methods).not.toContain('POST');
    expect(await files()).toEqual([]);
  });

  it('are refused in its own words, and leave no file', async () => {
    used.close();
    await once(used, 'close');
    const { version } = await proxy.current();
    answers = [
      { status: 200, body: '{"admin":{}}' },
      { status: 400, body: '{"error":"loading: unknown module"}' },
    ];
    await expect(proxy.apply([route], version)).rejects.toMatchObject({
      code: 'other',
      message: 'the reverse proxy refuses: loading: unknown module',
    });
    expect(await files()).toEqual([]);
  });

  it('are written by one writer: what one before it has not finished is taken away', async () => {
    used.close();
    await once(used, 'close');
    await writeFile(join(folder, 'upstreams', '.draft~shop~1'), '127.0.0.1:1');
    await applied();
    expect(await files()).toEqual(['web']);
  });

  describe('where its endpoint is opened again', () => {
    beforeEach(async () => {
      used.close();
      await once(used, 'close');
    });

    it('are read again when there was no answer', async () => {
      answers = [CLOSED, CLOSED, CLOSED, NO_ROUTES];
      expect(await proxy.current()).toMatchObject({ routes: [], isWhole: true });
    });

    it('are away when there never is one', async () => {
      answers = [CLOSED, CLOSED, CLOSED, CLOSED, NO_ROUTES];
      await expect(proxy.current()).rejects.toThrow(ProxyAwayError);
    });

    it('are told once more where it has not taken them', async () => {
      const { version } = await proxy.current();
      methods = [];
      answers = [NO_ROUTES, CLOSED, NO_ROUTES, NO_ROUTES];
      await proxy.apply([route], version);
      expect(methods).toEqual(['GET', 'POST', 'GET', 'POST', 'GET']);
    });

    it('are told once where it has', async () => {
      const { version } = await proxy.current();
      methods = [];
      const config = caddyConfig([route], { admin: {} }, CADDY_OPTIONS);
      const taken = { status: 200, body: JSON.stringify(config) };
      answers = [NO_ROUTES, CLOSED, taken, taken];
      expect((await proxy.apply([route], version)).changed).toBe('routes');
      expect(methods).toEqual(['GET', 'POST', 'GET', 'GET']);
    });
  });

  it.each([
    [200, 'null'],
    [200, 'no JSON'],
    [500, '{"error":"broken"}'],
  ])('are away where its endpoint answers %i %s', async (status, body) => {
    answers = [{ status, body }];
    await expect(proxy.current()).rejects.toThrow(ProxyAwayError);
  });

  it('are away where the folder of upstreams is gone', async () => {
    const socket = join(folder, 'admin.sock');
    const gone = proxyAt({ socket, upstreams: join(folder, 'gone') });
    await expect(gone.current()).rejects.toThrow(ProxyAwayError);
  });
});
