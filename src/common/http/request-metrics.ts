import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Route, RouteTable } from './route-table.js';
import type { Metrics } from '../metrics/metrics.js';

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

/**
 * Counts requests and measures their answers, by the template of the route and never by the path:
 * all paths that no route takes are `unmatched`. To be mounted before everything else.
 */
export function requestMetrics(
  metrics: Metrics,
  routes: Pick<RouteTable<Route>, 'templateOf'>,
): (...args: [...Parameters<RequestListener>, () => void]) => void {
  return (request, response, next) => {
    const begun = performance.now();
    metrics.httpInFlight.inc();
    response.once('close', () => {
      metrics.httpInFlight.dec();
      if (isEventStream(response)) return;
      const labels = {
        method: METHODS.has(request.method ?? '') ? (request.method ?? '') : 'other',
        route: routeOf(request, routes),
        status_class: statusClass(response),
      };
      metrics.httpRequests.observe(labels, (performance.now() - begun) / 1000);
    });
    next();
  };
}

function routeOf(
  request: IncomingMessage & { readonly originalUrl?: string },
  routes: Pick<RouteTable<Route>, 'templateOf'>,
): string {
  return routes.templateOf(request.originalUrl?.split('?', 1)[0] ?? '') ?? 'unmatched';
}

/** `aborted`: the client left before the answer was whole. */
function statusClass(response: ServerResponse): string {
  if (!response.writableFinished) return 'aborted';
  return `${Math.floor(response.statusCode / 100)}xx`;
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
