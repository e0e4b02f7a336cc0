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
  RouteDisarmedError,
  type Upstream,
} from './reverse-proxy.js';
import {
  checkArmed,
  checkId,
  checkRoutes,
  checkToken,
  hostAndPort,
  isPortListen,
  parseHostAndPort,
  plainRoutes,
} from './route-rules.js';
import { leadText, parseLead } from './route-lead.js';
import { UpstreamFiles, type UpstreamTexts } from './upstream-files.js';

/** Where a running Caddy is reached. */
export interface CaddyAddress {
  /** Unix socket of its admin endpoint. */
  readonly socket: string;
  /** The folder `upstreams` in the folder that it runs in; it may read there. */
  readonly upstreams: string;
}

/** The Caddy of this machine, as a process. */
export interface CaddySource {
  /** Brings up one that is not there. */
  ensure(): Promise<CaddyAddress>;
  /** Undefined: none runs. */
  running(): Promise<CaddyAddress | undefined>;
}

interface CaddyState extends ProxyState {
  readonly config: JsonObject;
  readonly etag: string;
  readonly texts: UpstreamTexts;
  /** Of routes in the configuration, with an upstream or without. */
  readonly ids: ReadonlySet<string>;
}

const NEVER = new AbortController().signal;

/** Routes in a Caddy of this machine: listeners by its admin endpoint, upstreams by files. */
export class CaddyProxy extends ReverseProxy {
  private readonly writes = new OneByOne();

  constructor(
    private readonly source: CaddySource,
    private readonly options: CaddyOptions = CADDY_OPTIONS,
  ) {
    super();
  }

  async isThere(): Promise<boolean> {
    return (await this.source.running()) !== undefined;
  }

  async current(): Promise<ProxyState> {
    const { routes, isWhole, version } = await this.read(await this.source.ensure());
    return { routes, isWhole, version };
  }

  async upstreamOf(routeId: string): Promise<Upstream | undefined> {
    checkId(routeId);
    return parseLead(await this.inFiles((files) => files.textOf(routeId)))?.upstream;
  }

  async arm(routeId: string, upstream: Upstream, token: string): Promise<void> {
    checkArmed(routeId, upstream, token);
    await this.inFiles((files) => files.arm(routeId, upstream, token));
  }

  async switchTo(routeId: string, token: string): Promise<void> {
    checkToken(routeId, token);
    await this.inFiles((files) => files.switchTo(routeId, token));
  }

  async disarm(routeId: string): Promise<void> {
    checkId(routeId);
    await this.inFiles((files) => files.disarm(routeId));
  }

  async apply(routes: readonly Route[], version: string): Promise<Applied> {
    checkRoutes(routes, this.options.ports);
    return this.writes.run('', () => this.write(plainRoutes(routes), version), NEVER);
  }

  private async inFiles<T>(work: (files: UpstreamFiles) => Promise<T>): Promise<T> {
    const { upstreams } = await this.source.ensure();
    return work(new UpstreamFiles(upstreams)).catch((error: unknown) => {
      if (error instanceof RouteDisarmedError) throw error;
      throw new ProxyAwayError(messageOf(error), { cause: error });
    });
  }

  private async write(routes: readonly Route[], version: string): Promise<Applied> {
    const address = await this.source.ensure();
    const now = await this.read(address);
    if (now.version !== version) throw new ProxyConflictError();
    const files = new UpstreamFiles(address.upstreams);
    await files.endCorrections();
    const config = caddyConfig(routes, now.config, this.options);
    const isOther = !isDeepStrictEqual(config, now.config);
    if (isOther) await this.replace(routes, config, now, new CaddyAdmin(address.socket), files);
    const known = routes.filter(({ id }) => now.ids.has(id));
    let moved = (await this.correct(known, now, files)).length;
    const wanted = new Set(routes.map(({ id }) => id));
    for (const id of now.texts.keys()) {
      if (wanted.has(id)) continue;
      await files.disarm(id);
      await files.remove(id);
      moved += 1;
    }
    if (!isOther && moved === 0) return { version, changed: 'nothing' };
    const then = await this.read(address);
    return { version: then.version, changed: isOther ? 'routes' : 'upstreams' };
  }

  /**
   * @returns ids of those that were corrected
   * @throws ProxyConflictError one of them was switched meanwhile
   */
  private async correct(
    routes: readonly Route[],
    { texts }: CaddyState,
    files: UpstreamFiles,
  ): Promise<readonly string[]> {
    const corrected: string[] = [];
    for (const route of routes) {
      const { id } = route;
      const [seen, text] = [texts.get(id), leadText(route)];
      if (seen === text) continue;
      const change = await files.correct(id, seen, text);
      if (change === 'changed') throw new ProxyConflictError();
      if (change === 'done') corrected.push(id);
    }
    return corrected;
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
    const written = await this.correct(added, now, files);
    try {
      await admin.replace(config, now.etag);
    } catch (error) {
      if (error instanceof ProxyAwayError) throw error;
      for (const id of written) await files.remove(id);
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
    const texts = await new UpstreamFiles(folder).read().catch((error: unknown) => {
      throw new ProxyAwayError(messageOf(error), { cause: error });
    });
    const ids = new Set(readRoutes(config, () => ({})).map(({ id }) => id));
    const routes = plainRoutes(readRoutes(config, (id) => parseLead(texts.get(id))));
    return {
      routes,
      isWhole: isDeepStrictEqual(caddyConfig(routes, config, this.options), config),
      version: versionOf(etag, texts),
      config,
      etag,
      texts,
      ids,
    };
  }
}

function portListen(place: string): PortListen {
  const found = parseHostAndPort(place) ?? { host: '::', port: Number(place.slice(1)) };
  return { address: found.host, port: found.port };
}

function versionOf(etag: string, texts: UpstreamTexts): string {
  const upstreams = [...texts].sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([etag, upstreams]))
    .digest('hex');
}
