import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CADDY_BUILD_MS, CaddyUnderTest } from '../../../test/support/caddy-under-test.js';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { CaddyAdmin } from './caddy-admin.js';
import { CaddyProxy } from './caddy-proxy.js';
import type { Route } from './reverse-proxy.js';
import { reverseProxyContract } from './reverse-proxy.contract.fixture.js';

describe('ReverseProxy: Caddy', () => {
  let under: CaddyUnderTest;
  beforeAll(async () => {
    under = await CaddyUnderTest.make();
    await under.caddy.ensure();
  }, CADDY_BUILD_MS);
  afterAll(() => under.close());

  reverseProxyContract(async () => {
    const address = await under.caddy.ensure();
    // It is lost, and not started again, when the contract loses it.
    const ensure = async () => address;
    const proxy = new CaddyProxy({ ensure, running: () => under.caddy.running() });
    await proxy.apply([], (await proxy.current()).version);
    const servers: Server[] = [];
    return {
      proxy,
      ports: [await freePort(), await freePort(), await freePort()],
      use: async (port) => {
        const server = createServer().listen(port, '127.0.0.1');
        servers.push(server);
        await once(server, 'listening');
      },
      restart: async () => {
        await under.caddy.stop();
        await under.caddy.ensure();
      },
      lose: () => under.caddy.stop(),
      close: async () => servers.forEach((server) => server.close()),
    };
  });

  it('serves domains by HTTPS: the longest path, then the domain, else 404', async () => {
    const ports = { http: await freePort(), https: await freePort() };
    const proxy = new CaddyProxy(under.caddy, { ports, certificates: 'internal' });
    const upstreams = ['whole', 'part'].map((name) =>
      createHttpServer((_request, response) => response.end(name)).listen(0, '127.0.0.1'),
    );
    const [whole, part] = await Promise.all(
      upstreams.map(async (server) => {
        await once(server, 'listening');
        return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
      }),
    );
    if (whole === undefined || part === undefined) throw new Error('no upstreams');
    const domain = 'shop.localhost';
    const routes: Route[] = [
      { id: 'part', listen: { domain, path: '/part' }, upstream: part },
      { id: 'whole', listen: { domain }, upstream: whole },
    ];
    await proxy.apply(routes, (await proxy.current()).version);
    expect(await proxy.current()).toMatchObject({ routes, isWhole: true });
    const ask = async (path: string, host = domain): Promise<string> => {
      const agent = new Agent({ servername: domain, rejectUnauthorized: false });
      const asked = request({
        host: '127.0.0.1',
        port: ports.https,
        path,
        agent,
        headers: { host },
      });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return `${response.statusCode ?? 0} ${await text(response)}`;
    };
    // Its certificate is made in the background.
    await eventually(() => ask('/').catch(() => undefined));
    const answers = [await ask('/'), await ask('/part/x'), await ask('/partly')];
    expect(answers).toEqual(['200 whole', '200 part', '200 whole']);
    await proxy.apply(routes.slice(0, 1), (await proxy.current()).version);
    expect([await ask('/'), await ask('/part')]).toEqual(['404 ', '200 part']);
    await proxy.apply([], (await proxy.current()).version);
    await expect(ask('/part')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    upstreams.forEach((server) => server.close());
  });

  describe('what is damaged', () => {
    let proxy: CaddyProxy;
    let route: Route;
    beforeEach(async () => {
      proxy = new CaddyProxy(under.caddy);
      const listen = { address: '127.0.0.1', port: await freePort() };
      route = { id: 'web', listen, upstream: { host: '127.0.0.1', port: 7001 } };
      await proxy.apply([route], (await proxy.current()).version);
    });

    const repaired = async () => {
      await proxy.apply([route], (await proxy.current()).version);
      expect(await proxy.current()).toMatchObject({ routes: [route], isWhole: true });
    };

    it.each([
      ['is gone', (file: string) => rm(file)],
      ['says nothing', (file: string) => writeFile(file, '{env.HOME}')],
    ])('is told and repaired where the file of an upstream %s', async (_what, damage) => {
      const { version } = await proxy.current();
      const { upstreams } = await under.caddy.ensure();
      await damage(join(upstreams, 'web'));
      expect(await proxy.current()).toMatchObject({ routes: [], isWhole: false });
      await expect(proxy.apply([route], version)).rejects.toThrow('changed meanwhile');
      await repaired();
    });

    it('is repaired where the file of an upstream is gone and a switch of it is under way', async () => {
      await proxy.arm('web', { host: '127.0.0.1', port: 7002 }, 'a.1');
      await rm(join((await under.caddy.ensure()).upstreams, 'web'));
      await repaired();
      await proxy.switchTo('web', 'a.1');
      expect(await proxy.upstreamOf('web')).toEqual({ host: '127.0.0.1', port: 7002 });
    });

    it('is told and repaired where the configuration was changed by hand', async () => {
      const admin = new CaddyAdmin((await under.caddy.ensure()).socket);
      const { config, etag } = await admin.read();
      const other = JSON.stringify(config).replace('"4s"', '"9s"').replace('port-', 'own-');
      await admin.replace(JSON.parse(other) as typeof config, etag);
      expect(await proxy.current()).toMatchObject({ routes: [route], isWhole: false });
      await repaired();
    });
  });
});
