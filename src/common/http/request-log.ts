import type { IncomingMessage, RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { clientAddress } from './client-address.js';
import { requestIdFrom, type RequestContext } from './request-context.js';

/** Probes come every few seconds; their lines are only of use when one fails. */
const QUIET_PATH = /^\/api\/health/;

/**
 * Gives every request its id, logger and client address, and writes one line when it is answered:
 * method, path, status, duration. Query strings, headers and bodies are not logged: they may hold
 * secrets.
 * @param proxies `TRUST_PROXY`
 */
export function requestLog(
  logger: Logger,
  proxies: number,
): (...args: [...Parameters<RequestListener>, () => void]) => void {
  const log = pinoHttp({
    logger,
    quietReqLogger: true,
    genReqId: (request, response) => {
      const id = requestIdFrom(request.headers['x-request-id']);
      response.setHeader('X-Request-Id', id);
      return id;
    },
    customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
    serializers: {
      req: (request: { method: string; url: string }) => ({
        method: request.method,
        path: pathOf(request.url),
      }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
    // In the line alone: as properties of the logger they cost two more loggers for each request.
    customSuccessObject: (request, _response, line: object) => ({ ...line, ...sender(request) }),
    customErrorObject: (request, _response, _error, line: object) => ({
      ...line,
      ...sender(request),
    }),
    customLogLevel: (request, response, error) => {
      const failed = response.statusCode >= 500 || Boolean(error);
      // A probe that gets 503 has its answer: what is wrong is logged where it is wrong.
      if (QUIET_PATH.test(request.url ?? '')) return failed ? 'info' : 'debug';
      return failed ? 'error' : 'info';
    },
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
  });
  return (request, response, next) => {
    Object.assign(request, { clientAddress: clientAddress(request, proxies) });
    // A level that was set at run time: pino's children keep the one that they were made with.
    if (log.logger.level !== logger.level) log.logger.level = logger.level;
    log(request, response, next);
  };
}

function sender(request: IncomingMessage): { actor: string | undefined; client: string } {
  const { principal, clientAddress: client } = request as IncomingMessage & RequestContext;
  return { actor: principal?.id, client };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}
