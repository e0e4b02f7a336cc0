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
  RouteDisarmedError,
  type Upstream,
} from './reverse-proxy.js';
import {
  checkArmed,
  checkId,
  checkRoutes,
  checkToken,
  plainRoutes,
  shownListen,
} from './route-rules.js';

interface Armed {
  readonly token: string;
  readonly upstream: Upstream;
}

/** Routes in memory, for tests. */
export class MemoryReverseProxy extends ReverseProxy {
  /** It does not answer, and cannot be brought up. */
  isAway = false;
  /** Places, as `127.0.0.1:80`, at which another program listens. */
  readonly used = new Set<string>();
  /** What was applied, in order. */
  readonly applied: (readonly Route[])[] = [];
  /** How often it was brought up because somebody asked it something. */
  starts = 0;
  private routes: readonly Route[] = [];
  /** Of routes that are not there: where they were switched to. */
  private readonly ahead = new Map<string, Upstream>();
  private readonly armed = new Map<string, Armed>();
  private writes = 0;
  private life = 1;

  /** @param isRunning false: who asks first brings it up */
  constructor(private isRunning = true) {
    super();
  }

  /** It has ended; who asks next brings up one that has no routes. */
  die(): void {
    this.isRunning = false;
  }

  /** It died and was started again: it has no routes. */
  restart(): void {
    this.routes = [];
    this.ahead.clear();
    this.armed.clear();
    this.life += 1;
    this.isAway = false;
    this.isRunning = true;
  }

  async isThere(): Promise<boolean> {
    return this.isRunning && !this.isAway;
  }

  async current(): Promise<ProxyState> {
    return this.state();
  }

  async upstreamOf(routeId: string): Promise<Upstream | undefined> {
    checkId(routeId);
    const { routes } = this.state();
    return routes.find(({ id }) => id === routeId)?.upstream ?? this.ahead.get(routeId);
  }

  async arm(routeId: string, upstream: Upstream, token: string): Promise<void> {
    checkArmed(routeId, upstream, token);
    this.bringUp();
    this.armed.set(routeId, { token, upstream });
  }

  async switchTo(routeId: string, token: string): Promise<void> {
    checkToken(routeId, token);
    this.bringUp();
    const ready = this.armed.get(routeId);
    if (ready?.token !== token) throw new RouteDisarmedError(routeId);
    this.armed.delete(routeId);
    const { upstream } = ready;
    if (!this.routes.some(({ id }) => id === routeId)) this.ahead.set(routeId, upstream);
    this.routes = plainRoutes(
      this.routes.map((route) => (route.id === routeId ? { ...route, upstream } : route)),
    );
    this.writes += 1;
  }

  async disarm(routeId: string): Promise<void> {
    checkId(routeId);
    this.bringUp();
    this.armed.delete(routeId);
  }

  async apply(routes: readonly Route[], version: string): Promise<Applied> {
    checkRoutes(routes, CADDY_OPTIONS.ports);
    const now = this.state();
    if (now.version !== version) throw new ProxyConflictError();
    const wanted = plainRoutes(routes).map((route) => this.besideSwitch(route));
    for (const id of this.armed.keys()) {
      if (!wanted.some((route) => route.id === id)) this.armed.delete(id);
    }
    if (this.ahead.size === 0 && isDeepStrictEqual(wanted, now.routes))
      return { version, changed: 'nothing' };
    const before = new Set(now.routes.map(({ listen }) => shownListen(listen)));
    for (const place of wanted.map(({ listen }) => shownListen(listen))) {
      if (!before.has(place) && this.used.has(place)) {
        throw listenRefused('port_in_use', place, wanted);
      }
    }
    const listeners = (list: readonly Route[]) => list.map(({ id, listen }) => ({ id, listen }));
    const isOther = !isDeepStrictEqual(listeners(wanted), listeners(now.routes));
    this.routes = wanted;
    this.ahead.clear();
    this.applied.push(wanted);
    this.writes += 1;
    return { version: this.version, changed: isOther ? 'routes' : 'upstreams' };
  }

  private besideSwitch(route: Route): Route {
    const now = this.routes.find(({ id }) => id === route.id);
    if (now === undefined || !this.armed.has(route.id)) return route;
    return { ...now, listen: route.listen };
  }

  private state(): ProxyState {
    this.bringUp();
    return { routes: this.routes, isWhole: true, version: this.version };
  }

  private bringUp(): void {
    if (this.isAway) throw new ProxyAwayError('it was stopped');
    if (this.isRunning) return;
    this.restart();
    this.starts += 1;
  }

  private get version(): string {
    return `${this.life}.${this.writes}`;
  }
}
