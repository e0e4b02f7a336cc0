import { refusalOf } from './listen-refusals.js';
import type { Route } from './reverse-proxy.js';

const upstream = { host: '127.0.0.1', port: 7001 };
const routes: readonly Route[] = [
  { id: 'web', listen: { address: '127.0.0.1', port: 80 }, upstream },
  { id: 'six', listen: { address: '::1', port: 80 }, upstream },
  { id: 'shop', listen: { domain: 'example.org' }, upstream },
];
const START = 'loading new config: http app module: start: listening on x: listen';

describe('what Caddy says of a configuration', () => {
  it.each([
    ['tcp4 127.0.0.1:80: bind: address already in use', 'port_in_use', ['web']],
    ['tcp [::1]:80: bind: permission denied', 'port_forbidden', ['six']],
    ['tcp4 127.0.0.1:80: bind: cannot assign requested address', 'address_missing', ['web']],
    ['tcp :443: bind: permission denied', 'port_forbidden', ['shop']],
    ['tcp4 127.0.0.1:80: bind: too many open files', 'other', []],
  ])('of %s is %s', (words, code, routeIds) => {
    expect(refusalOf(`${START} ${words}`, routes)).toMatchObject({ code, routeIds });
  });

  it('is told in words of people, or in its own', () => {
    const { message } = refusalOf(`${START} tcp4 127.0.0.1:80: bind: permission denied`, routes);
    expect(message).toBe('127.0.0.1:80 may not be used by the reverse proxy');
    expect(refusalOf('unknown field "x"', routes).message).toMatch(/: unknown field "x"$/);
  });
});
