import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CADDY_BUILD_MS, CaddyUnderTest } from '../../../test/support/caddy-under-test.js';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { testServices } from '../../../test/support/services.js';
import { standIn } from '../../../test/support/stand-in.js';
import { MetricsRegistryModule } from '../../common/metrics/metrics-registry.module.js';
import { ConfigModule } from '../../config/config.module.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { stopProxy } from '../../embedded/caddy/home-caddy.js';
import { acquireFileLock } from '../../embedded/system/file-lock.js';
import { DatabaseModule } from '../../integrations/database/database.module.js';
import { ReverseProxy, type Route } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { ProxyRoutes } from './proxy-routes.js';
import { ProxyRoutesModule } from './proxy-routes.module.js';
import { RouteSource, type WantedRoute } from './route-source.js';

const { mongodbUri: uri, databaseName } = testServices();

@Module({})
class Worker {}

class Wanted extends RouteSource {
  routes: readonly WantedRoute[] = [];
  reads = 0;

  async routesOn(): Promise<readonly WantedRoute[]> {
    this.reads += 1;
    return this.routes;
  }
}

describe('the routes of a host, in a worker', () => {
  let under: CaddyUnderTest;
  let wanted: Wanted;
  let worker: INestApplicationContext;
  let application: Server;
  let web: Route;
  let soon: Route;

  beforeAll(async () => {
    const first = await CaddyUnderTest.make();
    await first.caddy.ensure();
    await first.close();
  }, CADDY_BUILD_MS);
  beforeEach(async () => {
    under = await CaddyUnderTest.make();
    wanted = new Wanted();
    application = createServer((_request, response) => response.end('here')).listen(0, '127.0.0.1');
    await once(application, 'listening');
    const { port } = application.address() as AddressInfo;
    const listen = async () => ({ address: '127.0.0.1', port: await freePort() });
    web = { id: 'web', listen: await listen(), upstream: { host: '127.0.0.1', port } };
    soon = { id: 'soon', listen: await listen() };
    worker = await NestFactory.createApplicationContext(
      {
        module: Worker,
        imports: [
          ConfigModule.forRoot(standIn<MillraceConfig>({ home: under.home })),
          MetricsRegistryModule,
          DatabaseModule.forRoot({ uri, databaseName, poolSize: 5 }),
          ProxyRoutesModule.forRootAsync({ useFactory: () => wanted }),
        ],
      },
      { logger: false },
    );
  });
  afterEach(async () => {
    await worker.close();
    application.close();
    await under.close();
  });

  const want = (...routes: Route[]): void => {
    wanted.routes = routes.map((route) => ({ ...route, isSwitching: false }));
  };
  const answer = async ({ listen }: Route): Promise<string> => {
    const { port } = listen as { readonly port: number };
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    return `${response.status} ${await response.text()}`;
  };
  const answers = (route: Route, expected: string) =>
    eventually(async () => (await answer(route).catch(String)) === expected || undefined);
  const pid = async (): Promise<number> => {
    const text = await readFile(join(under.home, 'caddy/process.json'), 'utf8');
    return (JSON.parse(text) as { readonly pid: number }).pid;
  };
  const NOTHING_YET = '503 Nothing has been deployed here yet.\n';

  it('are there again after Caddy was killed, and stay when the worker ends', async () => {
    want(web, soon);
    await answers(web, '200 here');
    await answers(soon, NOTHING_YET);
    const first = await pid();
    process.kill(first, 'SIGKILL');
    await answers(web, '200 here');
    await answers(soon, NOTHING_YET);
    expect(await pid()).not.toBe(first);
    await worker.close();
    expect(await answer(web)).toBe('200 here');
    expect(await stopProxy(under.home, () => undefined)).toBe(true);
    expect(await stopProxy(under.home, () => undefined)).toBe(false);
    await expect(answer(web)).rejects.toThrow('fetch failed');
  });

  it('are there for a deployment before its switch', async () => {
    want(soon);
    await worker.get(ProxyRoutes).ensureRoute(soon);
    expect(await answer(soon)).toBe(NOTHING_YET);
    const proxy = worker.get(ReverseProxy);
    const { upstream } = web;
    if (upstream === undefined) throw new Error('no upstream');
    wanted.routes = [{ ...soon, isSwitching: true }];
    await proxy.arm('soon', upstream, 'deployment.1');
    await proxy.switchTo('soon', 'deployment.1');
    expect(await answer(soon)).toBe('200 here');
    const { reads } = wanted;
    await eventually(() => wanted.reads > reads + 1 || undefined);
    expect(await answer(soon)).toBe('200 here');
  });

  it('cost nothing where there are none', async () => {
    await eventually(() => wanted.reads > 1 || undefined);
    expect(await readdir(under.home)).toEqual([]);
  });

  it('hold up no end of a worker that waits for its proxy', async () => {
    const folder = join(under.home, 'caddy');
    await mkdir(folder);
    const onWait = (): void => undefined;
    const lock = await acquireFileLock(join(folder, 'lock'), { env: process.env, onWait });
    want(web);
    const ensured = expect(worker.get(ProxyRoutes).ensureRoute(web)).rejects.toThrow('stopped');
    await eventually(async () => (await readdir(folder)).includes('data') || undefined);
    await worker.close();
    await ensured;
    await lock.release();
  });
});
