import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';

/** Times in milliseconds. */
export interface ConnectionLimits {
  /**
   * From the opening of a connection, or the first byte of a later request, to the last byte of the
   * headers.
   */
  readonly headersMs: number;
  /** The same to the last byte of the body: what trickles is cut. */
  readonly requestMs: number;
  /** Both are looked at so often. */
  readonly checkMs: number;
  /** An idle connection is kept for so long. */
  readonly idleMs: number;
  /** Connections of all clients, and of one address. */
  readonly connections: number;
  readonly connectionsOfOne: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  headersMs: 15_000,
  requestMs: 120_000,
  checkMs: 1_000,
  // Longer than the idle limit of usual load balancers (60 s), so that they and not we close idle
  // connections.
  idleMs: 65_000,
  connections: 4_096,
  connectionsOfOne: 1_024,
};

/** Refused connections are logged at most so often. */
const LOG_EVERY_MS = 60_000;

/**
 * Bounds what a client can hold that sends slowly or not at all. Call it before the server listens.
 * Requests that are too slow end as `clientError`, for `answerClientErrors`.
 * @param proxies `TRUST_PROXY`; behind a proxy all clients share its address, so there is no limit
 *   for one
 */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits,
  proxies: number,
  logger: Logger,
): void {
  server.headersTimeout = limits.headersMs;
  server.requestTimeout = limits.requestMs;
  server.keepAliveTimeout = limits.idleMs;
  server.maxConnections = limits.connections;
  // An option of the constructor, which the framework does not pass on; Node reads it when the
  // server begins to listen.
  Object.assign(server, { connectionsCheckingInterval: limits.checkMs });

  let loggedAt = -Infinity;
  const refused = (client: string | undefined): void => {
    if (performance.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = performance.now();
    logger.warn({ client }, 'connections are refused: there are too many');
  };
  server.on('drop', (data?: { remoteAddress?: string }) => refused(data?.remoteAddress));
  if (proxies > 0) return;

  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count <= limits.connectionsOfOne) return;
    refused(address);
    socket.destroy();
  });
}
