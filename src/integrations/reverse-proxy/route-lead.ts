import type { Route } from './reverse-proxy.js';
import { hostAndPort, parseHostAndPort } from './route-rules.js';

/** Where a route leads; neither: nowhere yet. */
export type RouteLead = Pick<Route, 'upstream' | 'isStopped'>;

/** No address and port is written so. */
export const STOPPED_TEXT = 'stopped';

/**
 * What the file of a route says: where its upstream listens, and behind a space who is asked for
 * static files beside it. That of a route which leads nowhere yet is empty.
 */
export function leadText({ upstream, isStopped }: RouteLead): string {
  if (upstream === undefined) return isStopped === true ? STOPPED_TEXT : '';
  const { assetsFrom } = upstream;
  return [upstream, ...(assetsFrom === undefined ? [] : [assetsFrom])]
    .map(({ host, port }) => hostAndPort(host, port))
    .join(' ');
}

/** Undefined: it says nothing of this kind. */
export function parseLead(text: string | undefined): RouteLead | undefined {
  if (text === undefined) return undefined;
  if (text === '') return {};
  if (text === STOPPED_TEXT) return { isStopped: true };
  const [first = '', ...others] = text.split(' ');
  const [upstream, assetsFrom] = [first, ...others].map(parseHostAndPort);
  if (others.length > 1 || upstream === undefined) return undefined;
  if (others.length === 0) return { upstream };
  return assetsFrom && { upstream: { ...upstream, assetsFrom } };
}
