import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { defaultSuggestions, type ErrorKind } from '../errors/error-kind.js';
import { uuidV7 } from '../ids/uuid.js';

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

/** Answers in the one error shape what Node's parser refuses before there is a request. */
export function answerClientErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, kind, message } = refusals[error.code ?? ''] ?? malformed;
    const id = uuidV7();
    const body = JSON.stringify({
      error: kind,
      message,
      details: { request_id: id },
      suggestions: [defaultSuggestions[kind]],
      timestamp: new Date().toISOString(),
    });
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'Content-Type: application/json; charset=utf-8',
        `Content-Length: ${Buffer.byteLength(body)}`,
        `X-Request-Id: ${id}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    );
  });
}
