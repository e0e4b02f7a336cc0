import { valueOf } from '../values/name-record.js';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { defaultSuggestions, type ErrorKind } from '../errors/error-kind.js';
import { uuidV7 } from '../ids/uuid.js';
import { lingerThenClose } from './linger.js';

interface Refusal {
  readonly status: number;
  readonly kind: ErrorKind;
  readonly message: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    kind: 'PayloadTooLargeError',
    message: 'The headers of the request are too large.',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    kind: 'PayloadTooLargeError',
    message: 'The chunk extensions of the body are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    kind: 'TimeoutError',
    message: 'The request did not come in time.',
  },
};
const malformed: Refusal = {
  status: 400,
  kind: 'ValidationError',
  message: 'The request is not HTTP.',
};
const unknownExpectation: Refusal = {
  status: 417,
  kind: 'ValidationError',
  message: 'The Expect header asks for something that is not known.',
};

/**
 * Answers in the one error shape what Node refuses before there is a request, and what does not
 * come in time.
 */
export function answerClientErrors(server: Server): void {
  // Its own answer to a request without Host has no body; the edge guard has one.
  Object.assign(server, { requireHostHeader: false });
  const answering = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    answering.set(request.socket, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const response = answering.get(socket);
    // A second answer in the middle of one would be read as a part of it, or as that of another
    // request.
    const isAnswering = response?.headersSent === true && !response.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const refusal = valueOf(refusals, error.code ?? '') ?? malformed;
    const { body, headers } = answerTo(refusal);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const first = `HTTP/1.1 ${refusal.status} ${valueOf(STATUS_CODES, String(refusal.status)) ?? ''}`;
    socket.write([first, ...lines, '', body].join('\r\n'));
    lingerThenClose(socket);
  });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { body, headers } = answerTo(unknownExpectation);
    response.writeHead(unknownExpectation.status, headers).end(body);
  });
}

function answerTo({ kind, message }: Refusal): { body: string; headers: Record<string, string> } {
  const id = uuidV7();
  const body = JSON.stringify({
    error: kind,
    message,
    details: { request_id: id },
    suggestions: [defaultSuggestions[kind]],
    timestamp: new Date().toISOString(),
  });
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    'X-Request-Id': id,
    Connection: 'close',
  };
  return { body, headers };
}
