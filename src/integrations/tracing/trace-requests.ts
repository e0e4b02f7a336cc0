import type { IncomingMessage, RequestListener } from 'node:http';
import { pathOfRoute } from '../../common/http/route-table.js';
import type { Tracing } from './tracing.js';

/** Asked every few seconds by machines: their traces would hide all others. */
const UNTRACED = /^\/(metrics|api\/health)/;

/**
 * A span for each request, below the caller's if it sends `traceparent`. To be mounted before
 * everything else.
 */
export function traceRequests(
  tracing: Tracing,
): (...args: [...Parameters<RequestListener>, () => void]) => void {
  return (request, response, next) => {
    const { method = '', url = '', headers } = request;
    if (UNTRACED.test(url)) {
      next();
      return;
    }
    const attributes = { 'http.request.method': method };
    const span = tracing.open({ name: method, kind: 'server', attributes, headers });
    response.once('close', () => {
      const route = pathOfRoute((request as IncomingMessage & { route?: unknown }).route);
      if (route !== undefined) span.rename(`${method} ${route}`);
      span.set({ 'http.route': route, 'http.response.status_code': response.statusCode });
      span.end(response.statusCode >= 500 ? String(response.statusCode) : undefined);
    });
    span.run(next);
  };
}
