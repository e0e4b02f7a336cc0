import { isIPv6 } from 'node:net';
import type { PortListen, Route } from './reverse-proxy.js';
import { type DomainPorts, hostAndPort, isPortListen, parseHostAndPort } from './route-rules.js';
import { type RouteLead, STOPPED_TEXT } from './route-lead.js';

/** How domains are served; of routes by port alone none of it is used. */
export interface CaddyOptions {
  readonly ports: DomainPorts;
  /** `public`: of a certificate authority, by ACME. `internal`: by one of Caddy's own. */
  readonly certificates: 'public' | 'internal';
}

export const CADDY_OPTIONS: CaddyOptions = {
  ports: { http: 80, https: 443 },
  certificates: 'public',
};

export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** Folder of the files that say where routes lead, below the folder that Caddy runs in. */
export const UPSTREAMS = 'upstreams';

/** Applications close what is idle for 5 s (Node) or longer: here it is closed before. */
const UPSTREAM_IDLE = '4s';
const DIAL_LIMIT = '3s';
/** Until Caddy ends although requests are under way. */
const GRACE = '10s';
/**
 * Caddy closes upgraded connections so long after a change of its configuration, also those of
 * routes that have not changed. Their ends close them, not the proxy: it is 10 years.
 */
const STREAM_CLOSE_DELAY = '87600h';
const DOMAINS = 'domains';
/** Of a request: what the file of its route says. */
const UPSTREAM_VARIABLE = 'upstream';
/** Groups of what that says (`leadText`). */
const ALONE = { name: 'alone', pattern: '^(\\S+)' };
const WITH_ASSETS = { name: 'with_assets', pattern: '^(\\S+) (\\S+)$' };
/** What pages load by names that differ in each release. */
const STATIC_FILES = [
  ...['js', 'mjs', 'css', 'map', 'wasm', 'woff', 'woff2', 'ttf', 'otf', 'eot', 'svg', 'png'],
  ...['jpg', 'jpeg', 'gif', 'webp', 'avif', 'ico', 'mp3', 'mp4', 'ogg', 'webm'],
];
const NOTHING_YET = 'Nothing has been deployed here yet.\n';
const STOPPED = 'This service is stopped.\n';

/**
 * The whole configuration of a Caddy that has these routes and no other. Pure.
 *
 * The upstream of a route is no part of it: Caddy reads it from a file for each request. By a
 * change of its configuration requests of other routes may be lost (ADR 45); by one of a file, none
 * is.
 *
 * @param routes checked by `checkRoutes`
 * @param base what the configuration has for the process itself: where its admin endpoint is and
 *   how it logs; taken over as it is
 */
export function caddyConfig(
  routes: readonly Route[],
  base: JsonObject,
  { ports, certificates }: CaddyOptions,
): JsonObject {
  const own = Object.fromEntries(Object.entries(base).filter(([name]) => name !== 'apps'));
  if (routes.length === 0) return own;
  const servers: [string, Json][] = [];
  for (const route of routes) {
    if (isPortListen(route.listen)) servers.push(portServer(route, route.listen));
  }
  const domains = domainRoutes(routes);
  if (domains.length > 0) servers.push([DOMAINS, domainServer(domains, ports)]);
  const http = {
    http_port: ports.http,
    https_port: ports.https,
    grace_period: GRACE,
    servers: Object.fromEntries(servers),
  };
  return { ...own, apps: { http, ...(domains.length > 0 && certificateApps(certificates)) } };
}

function portServer(route: Route, { address, port }: PortListen): [string, Json] {
  const place = hostAndPort(address, port);
  const server = {
    // By "tcp" Go would take 0.0.0.0 for all addresses of IPv6, too.
    listen: [isIPv6(address) ? place : `tcp4/${place}`],
    protocols: ['h1'],
    automatic_https: { disable: true },
    routes: [{ '@id': route.id, handle: [routeHandler(route.id)], terminal: true }],
  };
  return [`port-${place}`, server];
}

interface DomainRoute {
  readonly id: string;
  readonly domain: string;
  readonly path: string;
}

/** The longest path first: the first route that fits is the one. */
function domainRoutes(routes: readonly Route[]): DomainRoute[] {
  return routes
    .flatMap(({ id, listen }) => {
      if (isPortListen(listen)) return [];
      return [{ id, domain: listen.domain, path: listen.path ?? '/' }];
    })
    .sort((one, other) => other.path.length - one.path.length || (one.id < other.id ? -1 : 1));
}

function domainServer(domains: readonly DomainRoute[], ports: DomainPorts): Json {
  const routes = domains.map(({ id, domain, path }) => ({
    '@id': id,
    match: [{ host: [domain], ...(path !== '/' && { path: [path, `${path}/*`] }) }],
    handle: [routeHandler(id)],
    terminal: true,
  }));
  return {
    listen: [`:${ports.https}`],
    protocols: ['h1', 'h2'],
    routes: [...routes, { handle: [{ handler: 'static_response', status_code: 404 }] }],
  };
}

function certificateApps(certificates: CaddyOptions['certificates']): JsonObject {
  const issuers = { automation: { policies: [{ issuers: [{ module: 'internal' }] }] } };
  return {
    // Names that no authority knows (localhost) get certificates of Caddy's own authority, which it
    // would make the machine trust.
    pki: { certificate_authorities: { local: { install_trust: false } } },
    ...(certificates === 'internal' && { tls: issuers }),
  };
}

function unavailable(body: string): Json {
  return {
    handler: 'static_response',
    status_code: 503,
    headers: { 'Content-Type': ['text/plain; charset=utf-8'], 'Cache-Control': ['no-store'] },
    body,
  };
}

/** The file is read once for a request: it is empty as long as nothing was deployed. */
function routeHandler(id: string): Json {
  const whenItSays = (text: string, body: string): Json => ({
    match: [{ vars: { [UPSTREAM_VARIABLE]: [text] } }],
    handle: [unavailable(body)],
    terminal: true,
  });
  return {
    handler: 'subroute',
    routes: [
      { handle: [{ handler: 'vars', [UPSTREAM_VARIABLE]: `{file.${UPSTREAMS}/${id}}` }] },
      whenItSays('', NOTHING_YET),
      whenItSays(STOPPED_TEXT, STOPPED),
      {
        match: [{ ...says(WITH_ASSETS), ...isForStaticFile() }],
        handle: [{ ...proxyTo(WITH_ASSETS, 1), handle_response: [elsewhereWhenMissing()] }],
        terminal: true,
      },
      { match: [says(ALONE)], handle: [proxyTo(ALONE, 1)] },
    ],
  };
}

function says(text: JsonObject): JsonObject {
  return { vars_regexp: { [UPSTREAM_VARIABLE]: text } };
}

function isForStaticFile(): JsonObject {
  const pattern = `(?i)\\.(${STATIC_FILES.join('|')})$`;
  return { method: ['GET', 'HEAD'], path_regexp: { pattern } };
}

/** What has become of the one that is asked then takes nothing from the answer that there is. */
function elsewhereWhenMissing(): JsonObject {
  const asItWas = { handle: [{ handler: 'copy_response' }] };
  const other = {
    ...proxyTo(WITH_ASSETS, 2),
    handle_response: [
      {
        match: { status_code: [4, 5] },
        routes: [{ handle: [{ handler: 'error', status_code: 404 }] }],
      },
    ],
  };
  const asked = {
    handler: 'subroute',
    routes: [{ handle: [other] }],
    errors: { routes: [asItWas] },
  };
  return { match: { status_code: [404] }, routes: [{ handle: [asked] }] };
}

/** @param group of what the text says: where the request goes to */
function proxyTo({ name }: { readonly name: string }, group: 1 | 2): JsonObject {
  return {
    handler: 'reverse_proxy',
    upstreams: [{ dial: `{http.regexp.${name}.${group}}` }],
    transport: {
      protocol: 'http',
      versions: ['1.1'],
      // Requests and answers pass as they are.
      compression: false,
      dial_timeout: DIAL_LIMIT,
      keep_alive: { idle_timeout: UPSTREAM_IDLE },
      network_proxy: { from: 'none' },
    },
    // No `load_balancing`: a request that was sent is not sent again. Go's client alone repeats one
    // that is idempotent, where the connection was closed before any answer.
    stream_close_delay: STREAM_CLOSE_DELAY,
    headers: {
      request: {
        // Caddy sets X-Forwarded-For, -Host and -Proto itself; these two a client could invent.
        set: { 'X-Real-Ip': ['{http.request.remote.host}'] },
        delete: ['Forwarded'],
      },
    },
  };
}

/**
 * The routes that a configuration has, as far as it can be read. To know whether these are all of
 * it, make a configuration of them and compare.
 *
 * @param leadOf undefined: nobody knows where the route leads, and it is left out
 */
export function readRoutes(
  config: unknown,
  leadOf: (id: string) => RouteLead | undefined,
): Route[] {
  const servers = member(member(member(config, 'apps'), 'http'), 'servers');
  return Object.entries(objectOf(servers)).flatMap(([name, server]) => {
    const address = name === DOMAINS ? undefined : listenOf(server);
    return listOf(member(server, 'routes')).flatMap((route): Route[] => {
      const id = member(route, '@id');
      if (typeof id !== 'string') return [];
      const lead = leadOf(id);
      const listen = address ?? domainOf(route);
      if (lead === undefined || listen === undefined) return [];
      return [{ id, listen, ...lead }];
    });
  });
}

function listenOf(server: unknown): Route['listen'] | undefined {
  const [text] = listOf(member(server, 'listen'));
  const found = typeof text === 'string' ? parseHostAndPort(text.replace('tcp4/', '')) : undefined;
  return found && { address: found.host, port: found.port };
}

function domainOf(route: unknown): Route['listen'] | undefined {
  const [match] = listOf(member(route, 'match'));
  const [domain] = listOf(member(match, 'host'));
  const [path] = listOf(member(match, 'path'));
  if (typeof domain !== 'string') return undefined;
  return { domain, ...(typeof path === 'string' && { path }) };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, unknown>>;
}

function member(value: unknown, name: string): unknown {
  return Object.hasOwn(objectOf(value), name) ? objectOf(value)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
