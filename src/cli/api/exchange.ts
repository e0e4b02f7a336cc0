import { request as plainRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { valueOf } from '../../common/values/name-record.js';

export interface HttpRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the exchange, also while the body is read; its reason is what is thrown then. */
  readonly signal: AbortSignal;
}

/**
 * More than this is not read of an answer that is wanted whole; the largest of ours are a tenth of
 * it.
 */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** An answer that does not end. */
export class AnswerTooLongError extends Error {
  constructor() {
    super(`more than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
    this.name = 'AnswerTooLongError';
  }
}

/** The head of an answer came; the body is read once, by one of `chunks`, `text` and `discard`. */
export class HttpAnswer {
  readonly status: number;

  constructor(
    private readonly message: IncomingMessage,
    private readonly signal: AbortSignal,
    private readonly onEnd: () => void,
  ) {
    this.status = message.statusCode ?? 0;
  }

  get isGood(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  header(name: keyof IncomingHttpHeaders & string): string | undefined {
    const value = valueOf(this.message.headers, name);
    return Array.isArray(value) ? value[0] : value;
  }

  /** The body as it comes; who stops early ends the connection. @throws what broke it */
  async *chunks(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of this.message) yield chunk as Buffer;
    } catch (error) {
      this.signal.throwIfAborted();
      throw error;
    } finally {
      this.discard();
    }
  }

  /** @throws AnswerTooLongError */
  async text(): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.chunks()) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new AnswerTooLongError();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  discard(): void {
    if (!this.message.complete) this.message.destroy();
    this.onEnd();
  }
}

/**
 * One request, one answer. Redirects are not followed: a token would go with them. Content codings
 * are not asked for, and so not undone.
 *
 * @throws whatever the system, TLS or the HTTP parser says
 */
export function exchange(url: string, request: HttpRequest): Promise<HttpAnswer> {
  return attempt(url, request, undefined);
}

function attempt(url: string, request: HttpRequest, agent: false | undefined): Promise<HttpAnswer> {
  const { method, headers, body, signal } = request;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const all = { accept: '*/*', ...headers, ...length };
    const outgoing = send(url, { method, headers: all, ...(agent === undefined ? {} : { agent }) });
    const abort = (): void => void outgoing.destroy(signal.reason as Error);
    const release = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      release();
      // The server closed a connection that was kept for a next request, just as this one came.
      const closedBefore = outgoing.reusedSocket && error.code === 'ECONNRESET';
      if (closedBefore && !signal.aborted) resolve(attempt(url, request, false));
      else reject(error);
    });
    outgoing.on('response', (message) => resolve(new HttpAnswer(message, signal, release)));
    outgoing.on('close', () => reject(new Error('closed without an answer')));
    outgoing.end(body);
  });
}

/** A signal that aborts after a time, and with another one. `end` lets go of both. */
export class TimeLimit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal = this.controller.signal;

  constructor(
    ms: number,
    private readonly other?: AbortSignal,
  ) {
    this.timer = setTimeout(() => this.controller.abort(timedOut()), ms);
    if (other?.aborted) this.follow();
    else other?.addEventListener('abort', this.follow, { once: true });
  }

  /** The time does not count any more; the other signal does. */
  stopClock(): void {
    clearTimeout(this.timer);
  }

  end(): void {
    this.stopClock();
    this.other?.removeEventListener('abort', this.follow);
  }

  private readonly follow = (): void => this.controller.abort(this.other?.reason);
}

function timedOut(): Error {
  const error = new Error('no answer');
  error.name = 'TimeoutError';
  return error;
}
