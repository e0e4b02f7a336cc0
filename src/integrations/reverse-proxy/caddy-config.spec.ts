import { CADDY_OPTIONS, caddyConfig, type JsonObject, readRoutes } from './caddy-config.js';
import type { Route } from './reverse-proxy.js';
import { plainRoutes } from './route-rules.js';

const BASE: JsonObject = { admin: { listen: 'unix/data/admin.sock|0600' } };
const upstream = { host: '127.0.0.1', port: 7001 };
const web: Route = { id: 'web', listen: { address: '127.0.0.1', port: 8080 }, upstream };
const shop: Route = { id: 'shop', listen: { domain: 'example.org' }, upstream };
const basket: Route = { id: 'a', listen: { domain: 'example.org', path: '/b' }, upstream };

interface Made {
  readonly admin: unknown;
  readonly apps: {
    readonly http: {
      readonly grace_period: unknown;
      readonly servers: Record<string, Record<string, unknown> & { routes: HandledRoute[] }>;
    };
    readonly tls?: unknown;
    readonly pki?: unknown;
  };
}
interface HandledRoute {
  readonly '@id': string;
  readonly match?: unknown;
  readonly handle: readonly Record<string, unknown>[];
}

/** What a route does with a request, in order. */
function stepsOf(route: HandledRoute | undefined) {
  const [whole] = route?.handle ?? [];
  return (whole?.['routes'] ?? []) as readonly {
    readonly match?: unknown;
    readonly handle: readonly Record<string, unknown>[];
  }[];
}

const made = (routes: readonly Route[], options = CADDY_OPTIONS): Made =>
  caddyConfig(routes, BASE, options) as unknown as Made;

describe('the configuration of Caddy', () => {
  it('has nothing but what is the process’s where there are no routes', () => {
    expect(caddyConfig([], { ...BASE, apps: { http: {} } }, CADDY_OPTIONS)).toEqual(BASE);
  });

  it('has a server without HTTPS for each port, and none for domains', () => {
    const six: Route = { id: 'six', listen: { address: '::1', port: 8080 }, upstream };
    const { servers } = made([web, six]).apps.http;
    expect(Object.keys(servers)).toEqual(['port-127.0.0.1:8080', 'port-[::1]:8080']);
    expect(servers['port-127.0.0.1:8080']).toMatchObject({
      listen: ['tcp4/127.0.0.1:8080'],
      automatic_https: { disable: true },
    });
    expect(servers['port-[::1]:8080']).toMatchObject({ listen: ['[::1]:8080'] });
  });

  it('asks for no certificate and touches no trust store without a domain', () => {
    const { apps } = made([web]);
    expect(Object.keys(apps)).toEqual(['http']);
    expect(JSON.stringify(apps)).not.toMatch(/:443"|:80"/);
  });

  it('touches no trust store with one', () => {
    const { apps } = made([shop]);
    expect(apps.pki).toEqual({ certificate_authorities: { local: { install_trust: false } } });
    expect(apps.tls).toBeUndefined();
    expect(made([shop], { ...CADDY_OPTIONS, certificates: 'internal' }).apps.tls).toEqual({
      automation: { policies: [{ issuers: [{ module: 'internal' }] }] },
    });
  });

  it('does not change with the upstream: Caddy reads it from a file for each request', () => {
    const moved = { ...web, upstream: { host: '127.0.0.1', port: 7002 } };
    expect(made([moved])).toEqual(made([web]));
    const [route] = made([web]).apps.http.servers['port-127.0.0.1:8080']?.routes ?? [];
    const [read] = stepsOf(route);
    const proxy = stepsOf(route).at(-1);
    expect(read?.handle).toEqual([{ handler: 'vars', upstream: '{file.upstreams/web}' }]);
    expect(proxy?.handle).toMatchObject([{ upstreams: [{ dial: '{http.regexp.alone.1}' }] }]);
  });

  it('is the same before there is an upstream, and answers 503 until then', () => {
    const { id, listen } = web;
    expect(made([{ id, listen }])).toEqual(made([web]));
    const [route] = made([web]).apps.http.servers['port-127.0.0.1:8080']?.routes ?? [];
    expect(stepsOf(route)[1]).toMatchObject({
      match: [{ vars: { upstream: [''] } }],
      handle: [{ handler: 'static_response', status_code: 503 }],
    });
    expect(stepsOf(route)[2]).toMatchObject({
      match: [{ vars: { upstream: ['stopped'] } }],
      handle: [{ status_code: 503, body: 'This service is stopped.\n' }],
    });
  });

  it('repeats no request, closes idle connections first, and leaves streams to their ends', () => {
    const [route] = made([web]).apps.http.servers['port-127.0.0.1:8080']?.routes ?? [];
    const [handler] = stepsOf(route).at(-1)?.handle ?? [];
    expect(handler).not.toHaveProperty('load_balancing');
    expect(handler).toMatchObject({
      transport: { keep_alive: { idle_timeout: '4s' }, network_proxy: { from: 'none' } },
      stream_close_delay: '87600h',
    });
  });

  it('lets requests end for 10 s when Caddy ends, and not longer', () => {
    for (const routes of [[web], [shop], [web, shop]]) {
      expect(made(routes).apps.http.grace_period).toBe('10s');
    }
  });

  it('takes the longest path of a domain first, and ends with 404', () => {
    const routes = made([shop, basket, web]).apps.http.servers['domains']?.routes ?? [];
    expect(routes.map((route) => [route['@id'], route.match])).toEqual([
      ['a', [{ host: ['example.org'], path: ['/b', '/b/*'] }]],
      ['shop', [{ host: ['example.org'] }]],
      [undefined, undefined],
    ]);
    expect(routes.at(-1)?.handle).toEqual([{ handler: 'static_response', status_code: 404 }]);
  });
});

describe('the routes of a configuration', () => {
  const read = (config: unknown) => plainRoutes(readRoutes(config, () => ({ upstream })));

  it('are those that it was made of', () => {
    const six: Route = { id: 'six', listen: { address: '::', port: 8081 }, upstream };
    const routes = plainRoutes([web, shop, basket, six]);
    expect(read(made(routes))).toEqual(routes);
    expect(read(BASE)).toEqual([]);
  });

  it('are without those of which nobody knows where they lead', () => {
    const known = (id: string) => (id === 'web' ? { upstream } : undefined);
    expect(readRoutes(made([web, shop]), known)).toEqual([web]);
  });

  it('have no upstream where they lead nowhere yet', () => {
    const { id, listen } = web;
    expect(readRoutes(made([web]), () => ({}))).toEqual([{ id, listen }]);
    const isStopped = true;
    expect(readRoutes(made([web]), () => ({ isStopped }))).toEqual([{ id, listen, isStopped }]);
  });

  it.each([
    [null],
    [[]],
    [{ apps: { http: { servers: [] } } }],
    [{ apps: { http: { servers: { one: { listen: 'x', routes: [{ '@id': 1 }, {}, null] } } } } }],
    [{ apps: { http: { servers: { one: { listen: [':80'], routes: [{ '@id': 'x' }] } } } } }],
    [{ apps: { http: { servers: { domains: { routes: [{ '@id': 'x', match: [{}] }] } } } } }],
  ])('are none in %j', (config) => {
    expect(read(config)).toEqual([]);
  });
});
