import { type Route, RoutesRefusedError, type RoutesRefusal } from './reverse-proxy.js';
import { hostAndPort, isPortListen } from './route-rules.js';

const WORDS: readonly (readonly [pattern: RegExp, code: RoutesRefusal])[] = [
  [/address already in use/, 'port_in_use'],
  [/permission denied/, 'port_forbidden'],
  [/cannot assign requested address|address family not supported/, 'address_missing'],
];

const SENTENCES: Readonly<Partial<Record<RoutesRefusal, string>>> = {
  port_in_use: 'is used by another program',
  port_forbidden: 'may not be used by the reverse proxy',
  address_missing: 'is no address of this machine',
};

/** Of the routes that listen there. */
export function listenRefused(
  code: RoutesRefusal,
  place: string,
  routes: readonly Route[],
): RoutesRefusedError {
  const message = `${place} ${SENTENCES[code] ?? 'cannot be listened on'}`;
  return new RoutesRefusedError(code, message, routesAt(place, routes));
}

/**
 * Caddy's own words about a configuration, as a refusal of the routes that are the cause:
 * `…: listen tcp4 127.0.0.1:80: bind: permission denied`.
 */
export function refusalOf(said: string, routes: readonly Route[]): RoutesRefusedError {
  const place = /listen tcp[46]? (\S*:\d+): /.exec(said)?.[1];
  const code = WORDS.find(([pattern]) => pattern.test(said))?.[1];
  if (place !== undefined && code !== undefined) return listenRefused(code, place, routes);
  return new RoutesRefusedError('other', `the reverse proxy refuses: ${said}`, []);
}

/** `:443` is where domains are reached. */
function routesAt(place: string, routes: readonly Route[]): readonly string[] {
  return routes
    .filter(({ listen }) =>
      isPortListen(listen)
        ? hostAndPort(listen.address, listen.port) === place
        : place.startsWith(':'),
    )
    .map(({ id }) => id);
}
