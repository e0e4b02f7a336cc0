import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { CommandRequest } from '../../../common/values/command-end.js';
import { messageOf } from '../../../common/values/error-message.js';
import {
  BLANK_EVERY_MS,
  CONTROL_METHODS,
  type ControlAnswer,
  type ControlMethod,
  LONGEST_REQUEST,
} from '../control-protocol.js';
import { LocalServicesError } from '../local-services.error.js';
import type { LocalServices, ServiceSpec } from '../local-services.js';
import { isServiceId } from '../service-spec.js';

const MOST_CONNECTIONS = 200;
const MOST_LINES = 10_000;
/** For a request to arrive as a whole. */
const REQUEST_MS = 10_000;

/** What the supervisor is asked for. */
export interface Controlled {
  /** Checks the specs. */
  readonly services: LocalServices;
  /** Brings up the reverse proxy of the home where none runs. */
  readonly ensureProxy: () => Promise<unknown>;
}

/** Answers what `control-protocol.ts` describes. */
export async function serveControl(socket: string, controlled: Controlled): Promise<Server> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: 4096 },
    (request, response) => void answer(request, response, controlled),
  );
  server.maxConnections = MOST_CONNECTIONS;
  // Of a supervisor that was killed; who calls this holds the lock.
  rmSync(socket, { force: true });
  const before = process.umask(0o177);
  try {
    server.listen(socket);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
  chmodSync(socket, 0o600);
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  controlled: Controlled,
): Promise<void> {
  let blanks: NodeJS.Timeout | undefined;
  const send = (status: number, body: ControlAnswer): void => {
    clearInterval(blanks);
    if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  try {
    const method = CONTROL_METHODS.find((name) => request.url === `/${name}`);
    if (method === undefined || request.method !== 'POST') {
      return send(404, failure('failed', 'the supervisor of services knows no such request'));
    }
    const given = await readBody(request);
    blanks = setInterval(() => response.write(' '), BLANK_EVERY_MS);
    const result = await call(controlled, method, given);
    send(200, result === undefined ? {} : { result });
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (error instanceof LocalServicesError) {
      send(error.code === 'bad_spec' ? 400 : 409, failure(error.code, error.message));
    } else if (code === 'processes_survived') {
      send(500, failure('processes_survived', messageOf(error)));
    } else {
      send(500, failure('failed', messageOf(error)));
    }
  } finally {
    clearInterval(blanks);
  }
}

async function call(
  { services, ensureProxy }: Controlled,
  method: ControlMethod,
  given: unknown,
): Promise<unknown> {
  switch (method) {
    case 'start':
      // It is checked by `start` itself.
      return services.start(given as ServiceSpec);
    case 'stop':
      return services.stop(idOf(given));
    case 'remove':
      return services.remove(idOf(given));
    case 'status':
      return services.status(idOf(given));
    case 'list':
      return services.list();
    case 'listening':
      return services.listening(idOf(given));
    case 'log':
      return services.log(idOf(given), { tail: tailOf(given) });
    case 'exec':
      // It is checked by `exec` itself.
      return services.exec(idOf(given), given as CommandRequest);
    case 'proxy':
      await ensureProxy();
      return undefined;
  }
}

function idOf(given: unknown): string {
  const { id } = (given ?? {}) as { readonly id?: unknown };
  if (isServiceId(id)) return id;
  throw new LocalServicesError('bad_spec', 'the id of a service is missing or is none');
}

function tailOf(given: unknown): number {
  const { tail } = (given ?? {}) as { readonly tail?: unknown };
  if (Number.isInteger(tail) && Number(tail) >= 1 && Number(tail) <= MOST_LINES) {
    return Number(tail);
  }
  throw new LocalServicesError('bad_spec', `tail has to be a number from 1 to ${MOST_LINES}`);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > LONGEST_REQUEST) {
      throw new LocalServicesError('bad_spec', `a request has ${LONGEST_REQUEST} bytes at most`);
    }
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
  } catch {
    throw new LocalServicesError('bad_spec', 'a request is JSON');
  }
}

function failure(code: LocalServicesError['code'], message: string): ControlAnswer {
  return { error: { code, message } };
}
