import { isDeepStrictEqual } from 'node:util';
import { CADDY_OPTIONS } from './caddy-config.js';
import { listenRefused } from './listen-refusals.js';
import {
  type Applied,
  ProxyAwayError,
  ProxyConflictError,
  type ProxyState,
  ReverseProxy,
  type Route,
} from './reverse-proxy.js';
import { checkRoutes, plainRoutes, shownListen } from './route-rules.js';

/** Routes in memory, for tests. */
export class MemoryReverseProxy extends ReverseProxy {
  isAway = false;
  /** Places, as `127.0.0.1:80`, at which another program listens. */
  readonly used = new Set<string>();
  /** What was applied, in order. */
  readonly applied: (readonly Route[])[] = [];
  private routes: readonly Route[] = [];
  private writes = 0;
  private life = 1;

  /** It died and was started again: it has no routes. */
  restart(): void {
    this.routes = [];
    this.life += 1;
    this.isAway = false;
  }

  async current(): Promise<ProxyState> {
    return this.state();
  }

  async apply(routes: readonly Route[], version: string): Promise<Applied> {
    checkRoutes(routes, CADDY_OPTIONS.ports);
    const now = this.state();
    if (now.version !== version) throw new ProxyConflictError();
    const wanted = plainRoutes(routes);
    if (isDeepStrictEqual(wanted, now.routes)) return { version, changed: 'nothing' };
    const before = new Set(now.routes.map(({ listen }) => shownListen(listen)));
    for (const place of wanted.map(({ listen }) => shownListen(listen))) {
      if (!before.has(place) && this.used.has(place)) {
        throw listenRefused('port_in_use', place, wanted);
      }
    }
    const listeners = (list: readonly Route[]) => list.map(({ id, listen }) => ({ id, listen }));
    const isOther = !isDeepStrictEqual(listeners(wanted), listeners(now.routes));
    this.routes = wanted;
    this.applied.push(wanted);
    this.writes += 1;
    return { version: this.version, changed: isOther ? 'routes' : 'upstreams' };
  }

  private state(): ProxyState {
    if (this.isAway) throw new ProxyAwayError('it was stopped');
    return { routes: this.routes, isWhole: true, version: this.version };
  }

  private get version(): string {
    return `${this.life}.${this.writes}`;
  }
}
