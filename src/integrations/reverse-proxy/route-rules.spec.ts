import fc from 'fast-check';
import { type Route, RoutesRefusedError } from './reverse-proxy.js';
import { checkRoutes, hostAndPort, parseHostAndPort } from './route-rules.js';

const PORTS = { http: 80, https: 443 };
const upstream = { host: '127.0.0.1', port: 7001 };
const at = (address: string, port: number, id = 'web'): Route => ({
  id,
  listen: { address, port },
  upstream,
});
const under = (domain: string, path?: string, id = 'web'): Route => ({
  id,
  listen: { domain, ...(path !== undefined && { path }) },
  upstream,
});

function refusalOf(routes: readonly Route[]): [string, readonly string[]] | undefined {
  try {
    checkRoutes(routes, PORTS);
    return undefined;
  } catch (error) {
    if (!(error instanceof RoutesRefusedError)) throw error;
    return [error.code, error.routeIds];
  }
}

describe('routes', () => {
  it.each([
    [at('127.0.0.1', 8080)],
    [at('::1', 1)],
    [at('0.0.0.0', 65_535, 'default.web-1_x')],
    [under('example.org')],
    [under('localhost', '/')],
    [under('a-b.example.org', '/shop/v1.2/~ada')],
  ])('may say %j', (route) => {
    expect(refusalOf([route])).toBeUndefined();
  });

  it.each(['', '.', '..', '../x', 'a/b', 'a}b', '{env.HOME}', 'a b', 'a\n', 'a'.repeat(101), '-a'])(
    'have no id %j',
    (id) => {
      expect(refusalOf([at('127.0.0.1', 8080, id)])).toEqual(['invalid', [id]]);
    },
  );

  it.each([
    [at('localhost', 80)],
    [at('127.0.0.1', 0)],
    [at('127.0.0.1', 65_536)],
    [at('127.0.0.1', 1.5)],
    [at('fe80::1%eth0', 80)],
    [at('0:0:0:0:0:0:0:1', 80)],
    [under('Example.org')],
    [under('*.example.org')],
    [under('127.0.0.1')],
    [under('{http.request.host}')],
    [under('example.org:80')],
    [under('example.org', 'shop')],
    [under('example.org', '/shop/')],
    [under('example.org', '/sh*p')],
    [under('example.org', '/{env.HOME}')],
    [under('example.org', '/a/../b')],
    [under('example.org', '/a%2fb')],
    [{ ...at('127.0.0.1', 80), upstream: { host: '{file./etc/passwd}', port: 1 } }],
    [{ ...at('127.0.0.1', 80), upstream: { host: 'unix//run/x', port: 1 } }],
    [{ ...at('127.0.0.1', 80), upstream: { host: '127.0.0.1', port: 0 } }],
  ])('may not say %j', (route) => {
    expect(refusalOf([route])).toEqual(['invalid', ['web']]);
  });

  it.each([
    ['one id', [at('127.0.0.1', 1, 'a'), at('127.0.0.1', 2, 'a')], 'invalid'],
    ['one port', [at('127.0.0.1', 1, 'a'), at('127.0.0.1', 1, 'b')], 'overlap'],
    ['a port by all addresses', [at('127.0.0.1', 1, 'a'), at('0.0.0.0', 1, 'b')], 'overlap'],
    ['a port by both families', [at('::', 1, 'a'), at('127.0.0.1', 1, 'b')], 'overlap'],
    ['one path', [under('x.org', '/A', 'a'), under('x.org', '/a', 'b')], 'overlap'],
    ['one domain', [under('x.org', '/', 'a'), under('x.org', undefined, 'b')], 'overlap'],
    ['a port of domains', [under('x.org', '/a', 'a'), at('127.0.0.1', 443, 'b')], 'overlap'],
  ])('do not share %s', (_what, routes, code) => {
    expect(refusalOf(routes)?.[0]).toBe(code);
    expect(refusalOf(routes.toReversed())?.[0]).toBe(code);
  });

  it('may share a domain, and a port by different addresses', () => {
    const domains = [under('x.org', '/a', 'a'), under('x.org', '/ab', 'b'), under('x.org')];
    const ports = [at('127.0.0.1', 1, 'c'), at('127.0.0.2', 1, 'd'), at('::1', 1, 'e')];
    expect(refusalOf([...domains, ...ports, at('0.0.0.0', 2, 'f')])).toBeUndefined();
  });
});

describe('a host and its port', () => {
  it('are read back from their text', () => {
    const hosts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        expect(parseHostAndPort(hostAndPort(host, port))).toEqual({ host, port });
      }),
    );
  });

  it.each(['', '1', ':1', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:1\n', '::1:80', 'a b:1', 'a:01'])(
    'are none in %j',
    (text) => {
      expect(parseHostAndPort(text)).toBeUndefined();
    },
  );
});
