/** Where a route is reached: a TCP port of this machine. */
export interface PortListen {
  /**
   * An IP address of this machine. `127.0.0.1`: from this machine only; `0.0.0.0`: from everywhere
   * by IPv4, `::` by both.
   */
  readonly address: string;
  readonly port: number;
}

/** Where a route is reached: a domain, by HTTPS with a certificate that the proxy gets. */
export interface DomainListen {
  /** Lower case, without a wildcard. */
  readonly domain: string;
  /** What is below it is reached too, and arrives whole. Absent = every path without a route. */
  readonly path?: string;
}

/** Where a program listens. */
export interface ProgramAddress {
  /** An IP address or a host name; `127.0.0.1` of what runs on this machine. */
  readonly host: string;
  readonly port: number;
}

/** Where the requests of a route arrive now. */
export interface Upstream extends ProgramAddress {
  /**
   * Which program is asked by GET or HEAD for a static file (by the ending of its path) that the
   * upstream does not have (404). Where that one does not answer, the 404 stays.
   */
  readonly assetsFrom?: ProgramAddress | undefined;
}

export interface Route {
  /** Chosen by the caller, unique among all; letters, digits, `.`, `_`, `-`, at most 100. */
  readonly id: string;
  readonly listen: PortListen | DomainListen;
  /** Absent: nothing was deployed there yet. Who asks there is told so, with the status 503. */
  readonly upstream?: Upstream | undefined;
  /** Of one without an upstream: its service is stopped, and that is what who asks is told. */
  readonly isStopped?: true | undefined;
}

/** What a proxy has. */
export interface ProxyState {
  /** By id. A route of which a part is missing or changed is left out. */
  readonly routes: readonly Route[];
  /** False: it has something else than these routes make; an `apply` puts it right. */
  readonly isWhole: boolean;
  /** Opaque; differs whenever anything of it does. */
  readonly version: string;
}

export interface Applied {
  readonly version: string;
  /** `upstreams`: listeners and connections were not touched. `nothing`: it had all of it. */
  readonly changed: 'nothing' | 'upstreams' | 'routes';
}

/**
 * Port: a reverse proxy whose whole configuration is a list of routes.
 *
 * One writer of the list at a time (the caller's lease); any number of readers. A writer reads the
 * state, decides, and applies with the version that it has read.
 *
 * A deployment moves the upstream of its own route: `arm`, then `switchTo` under the same token,
 * from any process, beside the writer of the list. Whoever takes the deployment over arms under
 * another token, or disarms; from then on the process before it, which may only be asleep, can
 * switch nothing. All methods but `isThere` bring up a proxy that is not there.
 */
export abstract class ReverseProxy {
  /** Whether it runs. Brings up nothing. */
  abstract isThere(): Promise<boolean>;

  /** @throws ProxyAwayError */
  abstract current(): Promise<ProxyState>;

  /**
   * Where the next request of a route goes to, whether the route is there or not; undefined:
   * nowhere yet. Cheap: the proxy itself is not asked.
   *
   * @throws ProxyAwayError
   */
  abstract upstreamOf(routeId: string): Promise<Upstream | undefined>;

  /**
   * Makes ready to switch a route to an upstream under this token. Whatever was ready for the route
   * under another one cannot be switched to any more. Idempotent.
   *
   * @param token 1 to 100 letters, digits, `.`, `_`, `-`; no two owners of a deployment have one
   * @throws RoutesRefusedError `invalid`
   * @throws ProxyAwayError
   */
  abstract arm(routeId: string, upstream: Upstream, token: string): Promise<void>;

  /**
   * From here on new requests of the route go to what was made ready; one moment, and after a loss
   * of power it is one or the other. No connection is touched, and what has begun stays where it
   * is. A token switches once.
   *
   * @throws RouteDisarmedError and nothing has changed
   * @throws ProxyAwayError
   */
  abstract switchTo(routeId: string, token: string): Promise<void>;

  /** Nothing that was made ready for the route can be switched to any more. Idempotent. */
  abstract disarm(routeId: string): Promise<void>;

  /**
   * Makes these routes the only ones. When it resolves, each new request is served by them. What is
   * armed for others is disarmed.
   *
   * While a route is armed, the upstream that it has stays: its owner is about to move it.
   *
   * A change of upstreams alone touches no listener and no connection: requests and streams that
   * have begun stay with the upstream that they have, until one of both ends closes them. To end
   * them is the caller's (it stops the old upstream when its drain is over).
   *
   * A change of the listeners ends no request and no stream that has begun either, of no route. But
   * it closes idle connections, of every route, and a request that is sent in that very moment may
   * be left without an answer. So change them seldom, and together.
   *
   * Idempotent. Needs no abort: it ends in 30 s.
   *
   * @param version what `current` or the last `apply` gave
   * @throws RoutesRefusedError and nothing has changed: what is wrong is told with its routes
   * @throws ProxyConflictError it has another version: read it again. Nothing has changed; where an
   *   upstream was switched in this very moment, a part of the routes may be as they were told
   * @throws ProxyAwayError whether it took effect is unknown
   */
  abstract apply(routes: readonly Route[], version: string): Promise<Applied>;
}

/** The proxy does not answer. */
export class ProxyAwayError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`the reverse proxy does not answer: ${message}`, options);
    this.name = 'ProxyAwayError';
  }
}

/** What was armed was disarmed, has switched, or is gone with a proxy that was started again. */
export class RouteDisarmedError extends Error {
  constructor(routeId: string) {
    super(`the route ${routeId} was disarmed before its switch: nothing was changed`);
    this.name = 'RouteDisarmedError';
  }
}

/** Another writer was faster, or the proxy was started again. */
export class ProxyConflictError extends Error {
  constructor() {
    super('the routes of the reverse proxy were changed meanwhile');
    this.name = 'ProxyConflictError';
  }
}

/**
 * `invalid`: a route says something that none may say. `overlap`: two routes listen on the same.
 * `port_in_use`: by another program. `port_forbidden`: the proxy may not use this port.
 * `address_missing`: no address of this machine. `other`: the proxy's own words are in the message.
 */
export type RoutesRefusal =
  'invalid' | 'overlap' | 'port_in_use' | 'port_forbidden' | 'address_missing' | 'other';

/** `message` may be shown to users. */
export class RoutesRefusedError extends Error {
  constructor(
    readonly code: RoutesRefusal,
    message: string,
    /** Ids of the routes that are the cause; empty: no single ones. */
    readonly routeIds: readonly string[],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RoutesRefusedError';
  }
}
