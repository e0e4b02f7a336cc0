import http from 'node:http';
import https from 'node:https';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';

const MAX_REDIRECTS = 5;
const IDLE_TIMEOUT_MS = 120_000;

/** A failure of the connection itself, as opposed to an answer that says no. */
export class TransportError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'TransportError';
  }
}

/**
 * The HTTP client of one clone. Unlike the one that isomorphic-git brings, it keeps connections, gives up on one that
 * moves nothing for two minutes, never goes from https to http, and remembers where `info/refs` was redirected, so that the
 * request after it, a POST, goes there too. `Authorization` is sent to the origin of the URL only.
 *
 * isomorphic-git does not always pass on an error in the middle of a body; `failure` rejects with it. It never resolves.
 */
export class GitHttpClient implements HttpClient {
  readonly failure: Promise<never>;
  private fail: (error: TransportError) => void = () => undefined;
  private readonly agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  private movedBase: { readonly from: string; readonly to: string } | undefined;

  constructor(private readonly origin: string) {
    this.failure = new Promise<never>((_resolve, reject) => {
      this.fail = reject;
    });
    // Whoever waits for it gets the rejection; nobody may be waiting.
    this.failure.catch(() => undefined);
  }

  request = async (request: GitHttpRequest): Promise<GitHttpResponse> => {
    const body = request.body ? await collectBody(request.body) : undefined;
    let url = new URL(this.moved(request.url));
    for (let redirects = 0; ; redirects++) {
      const response = await this.send(url, request, body);
      const location = response.headers.location;
      const status = response.statusCode ?? 0;
      if (status < 300 || status >= 400 || location === undefined) {
        return this.answer(request, url, response);
      }
      response.resume();
      if (redirects === MAX_REDIRECTS || !URL.canParse(location, url.href)) {
        throw this.failed('EREDIRECT', `more than ${MAX_REDIRECTS} redirects, or a broken one`);
      }
      url = this.checkedRedirect(url, new URL(location, url));
      this.rememberMove(request.url, url.href);
    }
  };

  close(): void {
    this.agents['http:'].destroy();
    this.agents['https:'].destroy();
  }

  private checkedRedirect(from: URL, to: URL): URL {
    const allowed =
      to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
    if (!allowed) {
      throw this.failed('EREDIRECT', `a redirect from ${from.protocol}// to ${to.protocol}//`);
    }
    to.username = '';
    to.password = '';
    return to;
  }

  private send(url: URL, request: GitHttpRequest, body?: Buffer): Promise<http.IncomingMessage> {
    const headers: Record<string, string> = { 'user-agent': 'git/isomorphic-git' };
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      headers[name.toLowerCase()] = value;
    }
    if (url.origin !== this.origin) delete headers['authorization'];
    if (body) headers['content-length'] = String(body.length);
    const secure = url.protocol === 'https:';
    const agent = this.agents[secure ? 'https:' : 'http:'];
    return new Promise((resolve, reject) => {
      const method = body ? 'POST' : 'GET';
      const outgoing = (secure ? https : http).request(url, { method, headers, agent }, resolve);
      outgoing.setTimeout(IDLE_TIMEOUT_MS, () => {
        outgoing.destroy(
          Object.assign(new Error('nothing came for two minutes'), { code: 'ETIMEDOUT' }),
        );
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        reject(this.failed(error.code ?? 'ECONNRESET', error.message));
      });
      outgoing.end(body);
    });
  }

  private answer(
    request: GitHttpRequest,
    url: URL,
    response: http.IncomingMessage,
  ): GitHttpResponse {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) headers[name] = String(value);
    return {
      url: url.href,
      method: request.method ?? 'GET',
      headers,
      body: this.bytes(response),
      statusCode: response.statusCode ?? 0,
      statusMessage: response.statusMessage ?? '',
    };
  }

  private async *bytes(response: http.IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      yield* response as AsyncIterable<Buffer>;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.failed(code ?? 'ECONNRESET', message);
    }
  }

  private failed(code: string, message: string): TransportError {
    const error = new TransportError(code, message);
    this.fail(error);
    return error;
  }

  private moved(url: string): string {
    const move = this.movedBase;
    return move && url.startsWith(move.from) ? move.to + url.slice(move.from.length) : url;
  }

  private rememberMove(asked: string, got: string): void {
    const suffix = '/info/refs?service=git-upload-pack';
    if (!asked.endsWith(suffix) || !got.endsWith(suffix)) return;
    this.movedBase = { from: asked.slice(0, -suffix.length), to: got.slice(0, -suffix.length) };
  }
}

async function collectBody(body: AsyncIterableIterator<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
