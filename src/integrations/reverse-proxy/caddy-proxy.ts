import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { OneByOne } from '../../common/async/one-by-one.js';
import { messageOf } from '../../common/values/error-message.js';
import { CaddyAdmin, CaddyRefusalError } from './caddy-admin.js';
import {
  CADDY_OPTIONS,
  caddyConfig,
  type CaddyOptions,
  type JsonObject,
  readRoutes,
} from './caddy-config.js';
import { whyNotListen } from './free-listener.js';
import { listenRefused, refusalOf } from './listen-refusals.js';
import {
  type Applied,
  type PortListen,
  ProxyAwayError,
  ProxyConflictError,
  type ProxyState,
  ReverseProxy,
  type Route,
  type Upstream,
} from './reverse-proxy.js';
import {
  checkRoutes,
  hostAndPort,
  isPortListen,
  parseHostAndPort,
  plainRoutes,
} from './route-rules.js';
import { UpstreamFiles } from './upstream-files.js';

/** Where a running Caddy is reached. */
export interface CaddyAddress {
  /** Unix socket of its admin endpoint. */
  readonly socket: string;
  /** The folder `upstreams` in the folder that it runs in; it may read there. */
  readonly upstreams: string;
}

interface CaddyState extends ProxyState {
  readonly config: JsonObject;
  readonly etag: string;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Of routes in the configuration, with an upstream or without. */
  readonly ids: ReadonlySet<string>;
}

/** Stands for the upstream where only the rest of a route matters. */
const ANY_UPSTREAM: Upstream = { host: 'localhost', port: 1 };
const NEVER = new AbortController().signal;

/** Routes in a Caddy of this machine: listeners by its admin endpoint, upstreams by files. */
export class CaddyProxy extends ReverseProxy {
  private readonly writes = new OneByOne();

  /**
   * @param address asked before each call: it brings up a Caddy that is not there
   */
  constructor(
    private readonly address: () => Promise<CaddyAddress>,
    private readonly options: CaddyOptions = CADDY_OPTIONS,
  ) {
    super();
  }

  async current(): Promise<ProxyState> {
    const { routes, isWhole, version } = await this.read(await this.address());
    return { routes, isWhole, version };
  }

  async apply(routes: readonly Route[], version: string): Promise<Applied> {
    checkRoutes(routes, this.options.ports);
    return this.writes.run('', () => this.write(plainRoutes(routes), version), NEVER);
  }

  private async write(routes: readonly Route[], version: string): Promise<Applied> {
    const address = await this.address();
    const now = await this.read(address);
    if (now.version !== version) throw new ProxyConflictError();
    const files = new UpstreamFiles(address.upstreams);
    const config = caddyConfig(routes, now.config, this.options);
    const isOther = !isDeepStrictEqual(config, now.config);
    if (isOther) await this.replace(routes, config, now, new CaddyAdmin(address.socket), files);
    const moved = routes.filter(
      ({ id, upstream }) => !isDeepStrictEqual(now.upstreams.get(id), upstream),
    );
    for (const { id, upstream } of moved) await files.write(id, upstream);
    const wanted = new Set(routes.map(({ id }) => id));
    for (const id of now.upstreams.keys()) if (!wanted.has(id)) await files.remove(id);
    if (!isOther && moved.length === 0) return { version, changed: 'nothing' };
    const then = await this.read(address);
    return { version: then.version, changed: isOther ? 'routes' : 'upstreams' };
  }

  /** When it is refused, what there was before is as it was, the upstreams too. */
  private async replace(
    routes: readonly Route[],
    config: JsonObject,
    now: CaddyState,
    admin: CaddyAdmin,
    files: UpstreamFiles,
  ): Promise<void> {
    await this.checkListeners(routes, now);
    const added = routes.filter(({ id }) => !now.ids.has(id));
    for (const { id, upstream } of added) await files.write(id, upstream);
    try {
      await admin.replace(config, now.etag);
    } catch (error) {
      if (error instanceof ProxyAwayError) throw error;
      for (const { id } of added) await files.remove(id);
      throw error instanceof CaddyRefusalError ? refusalOf(error.message, routes) : error;
    }
  }

  /**
   * Asks for each new listener before Caddy is told of it. Caddy finds a refusal only when it has
   * opened other listeners again, and requests at these are lost when it closes them. A port at
   * which it listens itself, by another address, is left to it.
   */
  private async checkListeners(routes: readonly Route[], now: CaddyState): Promise<void> {
    // What it has beside these routes may listen where one of them shall.
    if (!now.isWhole) return;
    const own = new Set(this.listeners(now.routes).map((place) => portListen(place).port));
    for (const place of this.listeners(routes)) {
      const listen = portListen(place);
      const code = own.has(listen.port) ? undefined : await whyNotListen(listen);
      if (code !== undefined) throw listenRefused(code, place, routes);
    }
  }

  /** `127.0.0.1:80`; `:443` of domains. */
  private listeners(routes: readonly Route[]): readonly string[] {
    const { http, https } = this.options.ports;
    return routes.flatMap(({ listen }) =>
      isPortListen(listen)
        ? [hostAndPort(listen.address, listen.port)]
        : [`:${String(http)}`, `:${String(https)}`],
    );
  }

  private async read({ socket, upstreams: folder }: CaddyAddress): Promise<CaddyState> {
    const { config, etag } = await new CaddyAdmin(socket).read();
    const upstreams = await new UpstreamFiles(folder).read().catch((error: unknown) => {
      throw new ProxyAwayError(messageOf(error), { cause: error });
    });
    const ids = new Set(readRoutes(config, () => ANY_UPSTREAM).map(({ id }) => id));
    const routes = plainRoutes(readRoutes(config, (id) => upstreams.get(id)));
    return {
      routes,
      isWhole: isDeepStrictEqual(caddyConfig(routes, config, this.options), config),
      version: versionOf(etag, routes),
      config,
      etag,
      upstreams,
      ids,
    };
  }
}

function portListen(place: string): PortListen {
  const found = parseHostAndPort(place) ?? { host: '::', port: Number(place.slice(1)) };
  return { address: found.host, port: found.port };
}

function versionOf(etag: string, routes: readonly Route[]): string {
  const upstreams = routes.map(({ id, upstream }) => [id, upstream]);
  return createHash('sha256')
    .update(JSON.stringify([etag, upstreams]))
    .digest('hex');
}
