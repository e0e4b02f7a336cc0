import { Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/eventually.js';
import { MemoryReverseProxy } from '../../integrations/reverse-proxy/memory-reverse-proxy.fixture.js';
import {
  type Applied,
  ProxyAwayError,
  type Route,
  RoutesRefusedError,
  type Upstream,
} from '../../integrations/reverse-proxy/reverse-proxy.js';
import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import { MemoryRouteSource } from './memory-route-source.fixture.js';
import { ProxyRoutes } from './proxy-routes.js';

/** Another process does something right before a write. */
class OvertakenProxy extends MemoryReverseProxy {
  before: (() => Promise<unknown>) | undefined;

  override async apply(routes: readonly Route[], version: string): Promise<Applied> {
    const { before } = this;
    this.before = undefined;
    await before?.();
    return super.apply(routes, version);
  }
}

const port = (number: number): Upstream => ({ host: '127.0.0.1', port: number });
const at = (id: string, number: number, upstream = 7001): Route => ({
  id,
  listen: { address: '127.0.0.1', port: number },
  upstream: port(upstream),
});
const nothing = ({ id, listen }: Route): Route => ({ id, listen });
const web = at('web', 8001);
const shop = at('shop', 8002);

describe('ProxyRoutes', () => {
  let proxy: OvertakenProxy;
  let source: MemoryRouteSource;
  let store: MemoryLeaseStore;
  let own: ProxyRoutes;
  let warn: jest.SpyInstance;
  let error: jest.SpyInstance;

  const processOf = () => new ProxyRoutes(source, proxy, new Leases(store), 'here');
  const routes = async () => (await proxy.current()).routes;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => undefined);
    warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    proxy = new OvertakenProxy();
    source = new MemoryRouteSource();
    store = new MemoryLeaseStore();
    own = processOf();
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  describe('by its rounds', () => {
    it('starts no proxy where no service of the host has a route', async () => {
      proxy = new OvertakenProxy(false);
      own = processOf();
      await own.round();
      expect(proxy.starts).toBe(0);
      expect(await store.find('proxy.here')).toBeUndefined();
      source.want(web);
      await own.round();
      expect(proxy.starts).toBe(1);
      expect(await routes()).toEqual([web]);
    });

    it('adds what is wanted, with an upstream or without, and removes what nobody wants', async () => {
      source.want(web);
      source.want(nothing(shop));
      await own.round();
      expect(await routes()).toEqual([nothing(shop), web]);
      source.forget('web');
      await own.round();
      expect(await routes()).toEqual([nothing(shop)]);
      source.forget('shop');
      await own.round();
      expect(await routes()).toEqual([]);
    });

    it('corrects an upstream that is missing or another one, without a change of listeners', async () => {
      source.want(web);
      source.want(nothing(shop));
      await own.round();
      source.want(at('web', 8001, 7009));
      source.want(shop);
      await own.round();
      expect(await routes()).toEqual([shop, at('web', 8001, 7009)]);
    });

    it('leaves an upstream alone while a deployment is at its switch, and writes a missing one', async () => {
      source.want(web, true);
      await own.round();
      expect(await routes()).toEqual([web]);
      await proxy.arm('web', port(7002), 'a.1');
      await proxy.switchTo('web', 'a.1');
      await own.round();
      expect(await routes()).toEqual([at('web', 8001, 7002)]);
      // Other routes are made right meanwhile.
      source.want(shop);
      await own.round();
      expect(await routes()).toEqual([shop, at('web', 8001, 7002)]);
      source.want(web);
      await own.round();
      expect(await routes()).toEqual([shop, web]);
    });

    it('undoes no switch that is made while it looks', async () => {
      source.want(web);
      await own.round();
      source.want(shop);
      source.before = async () => {
        await proxy.arm('web', port(7002), 'a.1');
      };
      proxy.before = async () => {
        await proxy.switchTo('web', 'a.1');
        source.want(web, true);
      };
      await own.round();
      expect(await routes()).toEqual([shop, at('web', 8001, 7002)]);
    });

    it('undoes no switch that is made while the record is read', async () => {
      source.want(web);
      await own.round();
      source.before = async () => {
        await proxy.arm('web', port(7002), 'a.1');
        await proxy.switchTo('web', 'a.1');
      };
      await own.round();
      expect(await routes()).toEqual([at('web', 8001, 7002)]);
    });

    it('makes all right again after the proxy has died', async () => {
      source.want(web);
      source.want(shop);
      await own.round();
      proxy.die();
      await own.round();
      expect(proxy.starts).toBe(1);
      expect(await routes()).toEqual([shop, web]);
    });

    it('writes nothing, and takes no turn, where all is right', async () => {
      source.want(web);
      await own.round();
      const turn = await store.find('proxy.here');
      await own.round();
      expect(proxy.applied).toHaveLength(1);
      expect(await store.find('proxy.here')).toEqual(turn);
    });

    it('leaves the writing to who has the turn', async () => {
      const turn = await new Leases(store).take('proxy.here', 60_000);
      source.want(web);
      await own.round();
      expect(await routes()).toEqual([]);
      await turn?.release();
      await own.round();
      expect(await routes()).toEqual([web]);
    });

    it('reads again where the proxy has changed meanwhile', async () => {
      source.want(web);
      proxy.before = async () => proxy.apply([shop], (await proxy.current()).version);
      await own.round();
      expect(await routes()).toEqual([web]);
      expect(error).not.toHaveBeenCalled();
    });

    it('does nothing where the record cannot be read', async () => {
      source.want(web);
      await own.round();
      source.isAway = true;
      await own.round();
      expect(await routes()).toEqual([web]);
    });

    it.each([
      ['is another one', async () => proxy.restart()],
      ['is gone', async () => proxy.die()],
      ['has a route more', async () => proxy.apply([shop], (await proxy.current()).version)],
    ])('begin so often that within 5 s it is right again where it %s', async (_what, change) => {
      // The longest that is between two rounds; a second is left for the start of the proxy.
      jest.spyOn(Math, 'random').mockReturnValue(0.999_999);
      source.want(web);
      own.onApplicationBootstrap();
      await jest.advanceTimersByTimeAsync(0);
      expect(await routes()).toEqual([web]);
      // A moment after a round.
      await change();
      await jest.advanceTimersByTimeAsync(4_000);
      expect(await routes()).toEqual([web]);
      await own.onApplicationShutdown();
    });

    it('rests after a proxy that cannot be brought up, but not after one that is away', async () => {
      source.want(web);
      const current = jest.spyOn(proxy, 'current');
      current.mockRejectedValue(new ProxyAwayError('gone'));
      await own.round();
      const asked = current.mock.calls.length;
      current.mockRejectedValue(new Error('no compiler'));
      await own.round();
      await own.round();
      expect(current).toHaveBeenCalledTimes(asked + 1);
      current.mockRestore();
      await jest.advanceTimersByTimeAsync(20_000);
      await own.round();
      expect(await routes()).toEqual([web]);
    });
  });

  describe('a route that is refused', () => {
    beforeEach(() => proxy.used.add('127.0.0.1:8002'));

    it('is told when it is refused, not again each time that it is tried', async () => {
      const message = 'a route is refused: 127.0.0.1:8002 is used by another program';
      const told = [{ route: 'shop', code: 'port_in_use' }, message];
      source.want(shop);
      await own.round();
      await jest.advanceTimersByTimeAsync(60_001);
      await own.round();
      expect(warn.mock.calls).toEqual([told]);
      proxy.used.clear();
      await own.ensureRoute(shop);
      proxy.restart();
      proxy.used.add('127.0.0.1:8002');
      await own.round();
      expect(warn.mock.calls).toEqual([told, told]);
    });

    it('keeps no other from being right', async () => {
      source.want(web);
      source.want(shop);
      await own.round();
      expect(await routes()).toEqual([web]);
      source.want(at('web', 8001, 7009));
      await own.round();
      expect(await routes()).toEqual([at('web', 8001, 7009)]);
    });

    it('stays where it is, if it is anywhere', async () => {
      source.want(web);
      await own.round();
      source.want(at('web', 8002, 7009));
      await own.round();
      expect(await routes()).toEqual([at('web', 8001, 7009)]);
    });

    it('is tried again after a while, and at once where another is wanted or somebody asks', async () => {
      source.want(shop);
      await own.round();
      proxy.used.clear();
      await own.round();
      expect(await routes()).toEqual([]);
      await jest.advanceTimersByTimeAsync(30_000);
      await own.round();
      expect(await routes()).toEqual([]);
      await jest.advanceTimersByTimeAsync(30_001);
      await own.round();
      expect(await routes()).toEqual([shop]);
      proxy.used.add('127.0.0.1:8003').add('127.0.0.1:8004');
      source.want(at('new', 8003));
      await own.round();
      source.want(at('new', 8005));
      await own.round();
      expect(await routes()).toEqual([at('new', 8005), shop]);
      source.want(at('more', 8004));
      await own.round();
      proxy.used.clear();
      await own.ensureRoute(at('more', 8004));
      expect(await routes()).toEqual([at('more', 8004), at('new', 8005), shop]);
    });

    it('is not taken away where another process has made it right since', async () => {
      source.want(shop);
      await own.round();
      proxy.used.clear();
      await processOf().round();
      await own.round();
      expect(await routes()).toEqual([shop]);
    });
  });

  describe('for a deployment', () => {
    it('has the listener before there is an upstream', async () => {
      source.want(nothing(web));
      await own.ensureRoute(web);
      expect(await routes()).toEqual([nothing(web)]);
      await own.ensureRoute(web);
      expect(proxy.applied).toHaveLength(1);
    });

    it('makes one change for all who ask at once', async () => {
      const all = Array.from({ length: 20 }, (_none, n) => nothing(at(`s${n}`, 9000 + n)));
      for (const route of all) source.want(route);
      const read = jest.spyOn(source, 'routesOn');
      await Promise.all(all.map((route) => own.ensureRoute(route)));
      expect(read).toHaveBeenCalledTimes(1);
      expect(proxy.applied).toHaveLength(1);
      expect(await routes()).toHaveLength(20);
    });

    it('reads the record for who asks while it is at another route', async () => {
      source.want(web);
      let late: Promise<void> | undefined;
      proxy.before = async () => {
        source.want(shop);
        late = own.ensureRoute(shop);
      };
      await own.ensureRoute(web);
      await late;
      expect(await routes()).toEqual([shop, web]);
    });

    it('tells why its route cannot be there, and nobody else', async () => {
      proxy.used.add('127.0.0.1:8002');
      source.want(web);
      source.want(shop);
      const [one, other] = await Promise.allSettled([own.ensureRoute(web), own.ensureRoute(shop)]);
      expect(one.status).toBe('fulfilled');
      expect(other).toMatchObject({ reason: { code: 'port_in_use', routeIds: ['shop'] } });
      await expect(own.ensureRoute(shop)).rejects.toThrow(RoutesRefusedError);
      expect(await routes()).toEqual([web]);
    });

    it('refuses a route that no service has, or has elsewhere', async () => {
      const message = 'no service of here has the route web at 127.0.0.1:8001';
      await expect(own.ensureRoute(web)).rejects.toThrow(message);
      source.want(at('web', 8005));
      await expect(own.ensureRoute(web)).rejects.toThrow(message);
      expect(await routes()).toEqual([at('web', 8005)]);
    });

    it('waits for the process that has the turn', async () => {
      const turn = await new Leases(store).take('proxy.here', 60_000);
      source.want(web);
      const seen = jest.spyOn(proxy, 'current');
      const asked = own.ensureRoute(web);
      await eventually(() => (seen.mock.calls.length > 1 ? true : undefined));
      expect(proxy.applied).toEqual([]);
      await turn?.release();
      await asked;
      expect(await routes()).toEqual([web]);
    });

    it('is closed when the proxy leads nowhere by it, and says why', async () => {
      source.want(web);
      source.want(shop);
      await own.ensureRoute(web);
      await expect(own.ensureClosed('web')).rejects.toThrow('the record wants');
      const isStopped = true;
      source.want({ ...nothing(web), isStopped });
      await own.ensureClosed('web');
      expect(await routes()).toEqual([shop, { ...nothing(web), isStopped }]);
      // A start has switched, and its record says so only then.
      source.want({ ...nothing(web), isStopped }, true);
      await proxy.arm('web', port(7002), 'a.1');
      await proxy.switchTo('web', 'a.1');
      await own.round(0);
      expect(await routes()).toEqual([shop, at('web', 8001, 7002)]);
      await own.ensureClosed('none');
    });

    it('ends its waiting where it is stopped, also while a proxy is built', async () => {
      const turn = await new Leases(store).take('proxy.here', 60_000);
      source.want(web);
      const [waits, builds] = [new AbortController(), new AbortController()];
      const waiting = own.ensureRoute(web, waits.signal);
      const ended = expect(waiting).rejects.toThrow('aborted');
      waits.abort();
      await ended;
      await expect(own.ensureRoute(web, waits.signal)).rejects.toThrow('aborted');
      await turn?.release();
      jest.spyOn(proxy, 'current').mockReturnValue(new Promise(() => undefined));
      const building = expect(own.ensureRoute(web, builds.signal)).rejects.toThrow('aborted');
      builds.abort();
      await building;
    });

    it('tells that the proxy or the record is away', async () => {
      source.want(web);
      proxy.isAway = true;
      await expect(own.ensureRoute(web)).rejects.toThrow(ProxyAwayError);
      proxy.isAway = false;
      source.isAway = true;
      await expect(own.ensureRoute(web)).rejects.toThrow('the record cannot be read');
    });
  });
});
