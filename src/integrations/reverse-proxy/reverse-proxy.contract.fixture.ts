import { ProxyAwayError, type ReverseProxy, type Route, type Upstream } from './reverse-proxy.js';

/** A proxy without routes, and what a contract needs around it. */
export interface ProxyUnderTest {
  readonly proxy: ReverseProxy;
  /** Ports of 127.0.0.1 that nobody uses. */
  readonly ports: readonly [number, number, number];
  /** Lets another program listen on a port of 127.0.0.1, until the end of the test. */
  use(port: number): Promise<void>;
  /** Ends the proxy, and starts it again. */
  restart(): Promise<void>;
  /** Ends the proxy for good. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

/** What every adapter of `ReverseProxy` does. */
export function reverseProxyContract(start: () => Promise<ProxyUnderTest>): void {
  let test: ProxyUnderTest;
  let web: Route;
  let shop: Route;

  const at = (id: string, port: number, upstream = 7001): Route => ({
    id,
    listen: { address: '127.0.0.1', port },
    upstream: { host: '127.0.0.1', port: upstream },
  });
  const port = (number: number): Upstream => ({ host: '127.0.0.1', port: number });
  const apply = async (...routes: Route[]) =>
    test.proxy.apply(routes, (await test.proxy.current()).version);
  const routes = async () => (await test.proxy.current()).routes;

  beforeEach(async () => {
    test = await start();
    web = at('web', test.ports[0]);
    shop = at('shop', test.ports[1]);
  });
  afterEach(() => test.close());

  it('has the routes that were applied last, and no others', async () => {
    expect(await test.proxy.current()).toMatchObject({ routes: [], isWhole: true });
    expect((await apply(web, shop)).changed).toBe('routes');
    expect(await test.proxy.current()).toMatchObject({ routes: [shop, web], isWhole: true });
    expect((await apply(shop)).changed).toBe('routes');
    expect(await routes()).toEqual([shop]);
    await apply();
    expect(await test.proxy.current()).toMatchObject({ routes: [], isWhole: true });
  });

  it('tells a change of upstreams alone from one of routes', async () => {
    await apply(web, shop);
    const moved = at('web', test.ports[0], 7002);
    expect((await apply(moved, shop)).changed).toBe('upstreams');
    expect(await routes()).toEqual([shop, moved]);
    const both = at('web', test.ports[2], 7003);
    expect((await apply(both, shop)).changed).toBe('routes');
    expect(await routes()).toEqual([shop, both]);
  });

  it('has beside an upstream who is asked for static files', async () => {
    const upstream = { ...port(7002), assetsFrom: port(7001) };
    await apply(web);
    expect((await apply({ ...web, upstream })).changed).toBe('upstreams');
    expect(await routes()).toEqual([{ ...web, upstream }]);
    await test.proxy.arm('web', { ...port(7003), assetsFrom: port(7002) }, 'd.1');
    await test.proxy.switchTo('web', 'd.1');
    expect(await test.proxy.upstreamOf('web')).toEqual({ ...port(7003), assetsFrom: port(7002) });
    const nowhere = { ...port(7003), assetsFrom: { host: 'a b', port: 1 } };
    await expect(apply({ ...web, upstream: nowhere })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('changes nothing where it has all of it, in whatever order', async () => {
    const { version } = await apply(web, shop);
    expect(await test.proxy.apply([shop, web], version)).toEqual({ version, changed: 'nothing' });
    expect(await test.proxy.current()).toMatchObject({ version });
  });

  it('has a port by one address and then by all', async () => {
    await apply(web);
    const open = { ...web, listen: { address: '0.0.0.0', port: test.ports[0] } };
    await apply(open);
    expect(await routes()).toEqual([open]);
  });

  it('refuses whoever has not seen the last change, of whatever kind', async () => {
    const { version: first } = await test.proxy.current();
    const { version: second } = await test.proxy.apply([web], first);
    await expect(test.proxy.apply([shop], first)).rejects.toThrow('changed meanwhile');
    const moved = at('web', test.ports[0], 7002);
    const { version: third } = await test.proxy.apply([moved], second);
    await expect(test.proxy.apply([web], second)).rejects.toThrow('changed meanwhile');
    expect(await routes()).toEqual([moved]);
    expect(new Set([first, second, third]).size).toBe(3);
    await test.proxy.apply([shop], third);
  });

  it('lets one of two writers with the same version through', async () => {
    const { version } = await test.proxy.current();
    const both = await Promise.allSettled([
      test.proxy.apply([web], version),
      test.proxy.apply([shop], version),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('tells a port in use as that of its route, and leaves the rest as it was', async () => {
    await apply(web);
    const before = await test.proxy.current();
    await test.use(test.ports[1]);
    const moved = at('web', test.ports[0], 7002);
    await expect(apply(moved, shop, at('other', test.ports[2]))).rejects.toMatchObject({
      name: 'RoutesRefusedError',
      code: 'port_in_use',
      routeIds: ['shop'],
      message: `127.0.0.1:${test.ports[1]} is used by another program`,
    });
    expect(await test.proxy.current()).toEqual(before);
  });

  it('refuses what no route may say, before all else', async () => {
    const { version } = await test.proxy.current();
    await expect(test.proxy.apply([at('../web', test.ports[0])], version)).rejects.toMatchObject({
      code: 'invalid',
      routeIds: ['../web'],
    });
    await expect(apply(web, at('too', test.ports[0]))).rejects.toMatchObject({ code: 'overlap' });
    expect(await test.proxy.current()).toMatchObject({ routes: [], version });
  });

  describe('a route without an upstream', () => {
    const nothing = ({ id, listen }: Route): Route => ({ id, listen });

    it('is there, and leads nowhere until it is told to', async () => {
      expect((await apply(nothing(web), shop)).changed).toBe('routes');
      expect(await test.proxy.current()).toMatchObject({ isWhole: true });
      expect(await routes()).toEqual([shop, nothing(web)]);
      expect(await test.proxy.upstreamOf('web')).toBeUndefined();
      expect((await apply(web, shop)).changed).toBe('upstreams');
      expect(await test.proxy.upstreamOf('web')).toEqual(web.upstream);
      expect((await apply(nothing(web), shop)).changed).toBe('upstreams');
      expect(await routes()).toEqual([shop, nothing(web)]);
    });

    it('says that it is stopped, or not yet there', async () => {
      const stopped = { ...nothing(web), isStopped: true } as const;
      await apply(web, shop);
      expect((await apply(stopped, shop)).changed).toBe('upstreams');
      expect(await test.proxy.current()).toMatchObject({ isWhole: true });
      expect(await routes()).toEqual([shop, stopped]);
      expect(await test.proxy.upstreamOf('web')).toBeUndefined();
      expect((await apply(stopped, shop)).changed).toBe('nothing');
      expect((await apply(nothing(web), shop)).changed).toBe('upstreams');
      await apply(stopped, shop);
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.switchTo('web', 'a.1');
      expect(await routes()).toEqual([shop, at('web', test.ports[0], 7002)]);
    });

    it('is switched to its first one', async () => {
      await apply(nothing(web));
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.switchTo('web', 'a.1');
      expect(await routes()).toEqual([at('web', test.ports[0], 7002)]);
    });
  });

  describe('a switch', () => {
    const upstreams = async () => [
      await test.proxy.upstreamOf('web'),
      await test.proxy.upstreamOf('shop'),
    ];
    const refused = 'was disarmed before its switch: nothing was changed';

    it('moves its own route when it is made, not when it is armed, and is seen by all', async () => {
      const { version } = await apply(web, shop);
      await test.proxy.arm('web', port(7002), 'a.1');
      expect(await upstreams()).toEqual([port(7001), port(7001)]);
      expect(await test.proxy.current()).toMatchObject({ version });
      await test.proxy.switchTo('web', 'a.1');
      expect(await upstreams()).toEqual([port(7002), port(7001)]);
      expect(await routes()).toEqual([shop, at('web', test.ports[0], 7002)]);
      await expect(test.proxy.apply([web, shop], version)).rejects.toThrow('changed meanwhile');
      expect(await upstreams()).toEqual([port(7002), port(7001)]);
    });

    it('is made once', async () => {
      await apply(web);
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.switchTo('web', 'a.1');
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7002));
    });

    it('is that of whoever armed last', async () => {
      await apply(web);
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.arm('web', port(7003), 'a.2');
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7001));
      await test.proxy.switchTo('web', 'a.2');
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7003));
    });

    it('is not made once it is disarmed, which may be done at any time', async () => {
      await apply(web);
      await test.proxy.disarm('web');
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.disarm('web');
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7001));
    });

    it('is that of one route: what begins with the same name is another', async () => {
      const [more, less] = [at('web-2', test.ports[1]), at('we', test.ports[2])];
      await apply(web, more, less);
      for (const id of ['web-2', 'web', 'we']) await test.proxy.arm(id, port(7002), 'a.1');
      await test.proxy.disarm('web');
      await test.proxy.switchTo('web-2', 'a.1');
      await test.proxy.switchTo('we', 'a.1');
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
      const found = await Promise.all(
        ['web', 'web-2', 'we'].map((id) => test.proxy.upstreamOf(id)),
      );
      expect(found).toEqual([port(7001), port(7002), port(7002)]);
    });

    it('is not undone by who writes the list meanwhile: the upstream stays until then', async () => {
      await apply(web, shop);
      await test.proxy.arm('web', port(7002), 'a.1');
      const [moved, other] = [at('web', test.ports[0], 7009), at('shop', test.ports[1], 7009)];
      await apply(moved, other);
      expect(await upstreams()).toEqual([port(7001), port(7009)]);
      await test.proxy.switchTo('web', 'a.1');
      expect(await upstreams()).toEqual([port(7002), port(7009)]);
      await apply(moved, other);
      expect(await upstreams()).toEqual([port(7009), port(7009)]);
    });

    it('is made before its route is there, too: who adds the route finds where it leads', async () => {
      const { version } = await test.proxy.current();
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.proxy.switchTo('web', 'a.1');
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7002));
      expect(await routes()).toEqual([]);
      const moved = at('web', test.ports[0], 7002);
      await expect(test.proxy.apply([web], version)).rejects.toThrow('changed meanwhile');
      await apply(moved);
      expect(await routes()).toEqual([moved]);
      await apply();
      expect(await test.proxy.upstreamOf('web')).toBeUndefined();
    });

    it('is not that of a route that was removed', async () => {
      await apply(web, shop);
      await test.proxy.arm('web', port(7002), 'a.1');
      await apply(shop);
      await apply(web, shop);
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
    });

    it('is not made in a proxy that was started again since it was armed', async () => {
      await apply(web);
      await test.proxy.arm('web', port(7002), 'a.1');
      await test.restart();
      expect(await test.proxy.current()).toMatchObject({ routes: [], isWhole: true });
      await apply(web);
      await expect(test.proxy.switchTo('web', 'a.1')).rejects.toThrow(refused);
      expect(await test.proxy.upstreamOf('web')).toEqual(port(7001));
    });

    it.each([
      ['../web', port(7002), 'a.1'],
      ['web', port(0), 'a.1'],
      ['web', port(7002), '../a'],
      ['web', port(7002), 'a~b'],
      ['web', port(7002), ''],
    ])('is of a route, an upstream and a token: not of %j, %j and %j', async (id, to, token) => {
      const invalid = { name: 'RoutesRefusedError', code: 'invalid' };
      await expect(test.proxy.arm(id, to, token)).rejects.toMatchObject(invalid);
    });
  });

  it('says whether it is there', async () => {
    expect(await test.proxy.isThere()).toBe(true);
    await test.lose();
    expect(await test.proxy.isThere()).toBe(false);
  });

  it('says when it is away', async () => {
    const { version } = await apply(web);
    await test.lose();
    await expect(test.proxy.current()).rejects.toThrow(ProxyAwayError);
    await expect(test.proxy.apply([web], version)).rejects.toThrow(ProxyAwayError);
  });
}
