import type { IncomingMessage, RequestListener } from 'node:http';
import type { Tracing } from './tracing.js';

/** Asked every few seconds by machines: their traces would hide all others. */
const UNTRACED = /^\/(metrics|api\/health)/;

/** Express notes the route that took a request, with its path as it was registered. */
type RoutedRequest = IncomingMessage & { readonly route?: { readonly path: string } };

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
      const route = (request as RoutedRequest).route?.path;
      if (route !== undefined) span.rename(`${method} ${route}`);
      span.set({ 'http.route': route, 'http.response.status_code': response.statusCode });
      span.end(response.statusCode >= 500 ? String(response.statusCode) : undefined);
    });
    span.run(next);
  };
}
