import { isIP, isIPv6 } from 'node:net';
import {
  type DomainListen,
  type PortListen,
  type ProgramAddress,
  type Route,
  RoutesRefusedError,
  type Upstream,
} from './reverse-proxy.js';

/** Ports at which domains are reached. */
export interface DomainPorts {
  readonly http: number;
  readonly https: number;
}

/** It is the name of a file and a part of a placeholder: nothing else may be in it. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const HOST =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
/** Of a URL's path what means itself: no escapes, patterns or placeholders. */
const PATH = /^(\/[A-Za-z0-9._~!$&'()+,;=:@-]+)+$/;

export function isPortListen(listen: PortListen | DomainListen): listen is PortListen {
  return 'port' in listen;
}

function isValidAddress({ host, port }: ProgramAddress): boolean {
  return isPort(port) && (isAddress(host) || HOST.test(host));
}

function isValidUpstream(upstream: Upstream): boolean {
  const { assetsFrom } = upstream;
  return isValidAddress(upstream) && (assetsFrom === undefined || isValidAddress(assetsFrom));
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What `hostAndPort` has made; undefined for any other text. */
export function parseHostAndPort(text: string): ProgramAddress | undefined {
  const match = /^(?:\[([^[\]]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const found = { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
  return isValidAddress(found) && hostAndPort(found.host, found.port) === text ? found : undefined;
}

/** For people: `127.0.0.1:80`, `example.org/shop`. */
export function shownListen(listen: PortListen | DomainListen): string {
  if (isPortListen(listen)) return hostAndPort(listen.address, listen.port);
  return `${listen.domain}${listen.path ?? ''}`;
}

/** In the order of their ids, without what a caller has put into them beside. */
export function plainRoutes(routes: readonly Route[]): readonly Route[] {
  return routes
    .map(({ id, listen, upstream, isStopped }) => ({
      id,
      listen: plainListen(listen),
      ...(upstream !== undefined && { upstream: plainUpstream(upstream) }),
      ...(upstream === undefined && isStopped === true && { isStopped }),
    }))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

function plainUpstream({ host, port, assetsFrom: from }: Upstream): Upstream {
  return { host, port, ...(from && { assetsFrom: { host: from.host, port: from.port } }) };
}

function plainListen(listen: PortListen | DomainListen): PortListen | DomainListen {
  if (isPortListen(listen)) return { address: listen.address, port: listen.port };
  const { domain, path } = listen;
  return { domain, ...(path !== undefined && path !== '/' && { path }) };
}

/** @throws RoutesRefusedError for the first thing that is wrong */
export function checkRoutes(routes: readonly Route[], ports: DomainPorts): void {
  for (const route of routes) checkRoute(route);
  const ids = new Set<string>();
  for (const { id } of routes) {
    if (ids.has(id)) throw invalid(`two routes have the id ${id}`, id);
    ids.add(id);
  }
  checkOverlaps(routes, ports);
}

/** @throws RoutesRefusedError */
export function checkId(id: string): void {
  if (!ID.test(id)) throw invalid(`${JSON.stringify(id)} is no id of a route`, id);
}

/** @throws RoutesRefusedError */
export function checkArmed(id: string, upstream: Upstream, token: string): void {
  checkToken(id, token);
  checkUpstream(id, upstream);
}

/** @throws RoutesRefusedError */
export function checkToken(id: string, token: string): void {
  checkId(id);
  if (!ID.test(token)) throw invalid(`route ${id}: ${JSON.stringify(token)} is no token`, id);
}

function checkUpstream(id: string, upstream: Upstream): void {
  if (!isValidUpstream(upstream)) throw invalid(`route ${id}: it leads to no host and port`, id);
}

function checkRoute({ id, listen, upstream }: Route): void {
  checkId(id);
  const told = (what: string): RoutesRefusedError => invalid(`route ${id}: ${what}`, id);
  if (upstream !== undefined) checkUpstream(id, upstream);
  if (isPortListen(listen)) {
    const { address } = listen;
    if (!isAddress(address)) throw told(`${JSON.stringify(address)} is no IP address`);
    const written = shortestAddress(address);
    if (written !== address) throw told(`write ${written} for ${address}`);
    if (!isPort(listen.port)) throw told(`${String(listen.port)} is no port`);
    return;
  }
  const { domain, path } = listen;
  if (!HOST.test(domain) || isIP(domain) !== 0 || domain !== domain.toLowerCase()) {
    throw told(`${JSON.stringify(domain)} is no domain`);
  }
  if (path !== undefined && path !== '/' && !isPath(path)) {
    throw told(`${JSON.stringify(path)} is no path of a route`);
  }
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/** Two texts of one address would be two listeners on it. */
function shortestAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function isPath(path: string): boolean {
  return path.length <= 500 && PATH.test(path) && !/\/\.{1,2}(\/|$)/.test(path);
}

/**
 * The proxy itself would let two of its own listeners have one port, and the kernel would give each
 * new connection to one or the other.
 */
function checkOverlaps(routes: readonly Route[], { http, https }: DomainPorts): void {
  const domains = new Map<string, string>();
  const listeners: { readonly id: string; readonly address: string; readonly port: number }[] = [];
  for (const { id, listen } of routes) {
    if (isPortListen(listen)) {
      listeners.push({ id, ...listen });
      continue;
    }
    // The proxy does not tell upper and lower case of a path apart.
    const place = `${listen.domain}${listen.path ?? '/'}`.toLowerCase();
    const other = domains.get(place);
    if (other !== undefined) throw overlap(shownListen(listen), other, id);
    if (domains.size === 0) {
      for (const port of [http, https]) listeners.push({ id, address: '::', port });
    }
    domains.set(place, id);
  }
  for (const [index, one] of listeners.entries()) {
    const other = listeners.slice(0, index).find((each) => isShared(one, each));
    if (other !== undefined) throw overlap(`port ${one.port}`, other.id, one.id);
  }
}

function isShared(
  one: { readonly address: string; readonly port: number },
  other: { readonly address: string; readonly port: number },
): boolean {
  if (one.port !== other.port) return false;
  if (one.address === other.address || one.address === '::' || other.address === '::') return true;
  if (isIPv6(one.address) !== isIPv6(other.address)) return false;
  return one.address === '0.0.0.0' || other.address === '0.0.0.0';
}

function invalid(message: string, id: string): RoutesRefusedError {
  return new RoutesRefusedError('invalid', message, [id]);
}

function overlap(what: string, one: string, other: string): RoutesRefusedError {
  const message = `the routes ${one} and ${other} both listen on ${what}`;
  return new RoutesRefusedError('overlap', message, [one, other]);
}
