import http from 'node:http';
import https from 'node:https';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import {
  type CheckedResolver,
  pinnedLookup,
  type ResolvedAddress,
} from '../../common/net/checked-addresses.js';
import { withoutShallow } from './advertised-refs.js';

const MAX_REDIRECTS = 5;
const IDLE_TIMEOUT_MS = 120_000;
/** About a million branches and tags; they are all held in memory. */
const MAX_REFS_BYTES = 64 * 1024 * 1024;

export interface GitHttpLimits {
  /** A connection that moves nothing for so long is given up, ms. Default two minutes. */
  readonly idleTimeoutMs?: number;
  /** The longest list of refs that is read, bytes. Default 64 MiB. */
  readonly maxRefsBytes?: number;
  /** Certificates of CAs, in PEM form; default: those of Node. */
  readonly ca?: string;
  /** Called with how much of a pack has come. */
  readonly onPackBytes?: (received: number) => void;
}

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
 * The HTTP client of one clone. Unlike the one that isomorphic-git brings, it keeps connections,
 * gives up on one that moves nothing for two minutes, never goes from https to http, and remembers
 * where `info/refs` was redirected, so that the request after it, a POST, goes there too.
 * `Authorization` is sent to the origin of the URL only. It connects to addresses that the resolver
 * has checked, of the URL and of every redirect, and to nothing else.
 *
 * isomorphic-git does not always pass on an error in the middle of a body; `failure` rejects with
 * it. It never resolves.
 */
export class GitHttpClient implements HttpClient {
  readonly failure: Promise<never>;
  /** Commits at which the history of the remote ends, as its last list of refs told. */
  remoteShallow: readonly string[] = [];
  private fail: (error: TransportError) => void = () => undefined;
  private readonly agents;
  private movedBase: { readonly from: string; readonly to: string } | undefined;

  constructor(
    private readonly origin: string,
    private readonly resolver: CheckedResolver,
    private readonly limits: GitHttpLimits = {},
  ) {
    const { ca } = limits;
    this.agents = {
      'http:': new http.Agent({ keepAlive: true }),
      'https:': new https.Agent({ keepAlive: true, ca }),
    };
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
      const response = await this.send(url, request, body, await this.addresses(url));
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

  private async addresses(url: URL): Promise<readonly ResolvedAddress[]> {
    try {
      return await this.resolver.addresses(url.hostname);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw this.failed(code ?? 'ENOTFOUND', message);
    }
  }

  private send(
    url: URL,
    request: GitHttpRequest,
    body: Buffer | undefined,
    addresses: readonly ResolvedAddress[],
    newConnection = false,
  ): Promise<http.IncomingMessage> {
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
      let answered = false;
      const lookup = pinnedLookup(addresses);
      const { ca } = this.limits;
      const options = { method, headers, agent: newConnection ? false : agent, lookup, ca };
      const outgoing = (secure ? https : http).request(url, options, (response) => {
        answered = true;
        resolve(response);
      });
      const idleMs = this.limits.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
      outgoing.setTimeout(idleMs, () => {
        const message = `nothing came for ${Math.round(idleMs / 1000)} s`;
        outgoing.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed a kept connection just when it was used again: that says nothing of the
        // server.
        const wasClosed = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        if (wasClosed && outgoing.reusedSocket && !answered) {
          return resolve(this.send(url, request, body, addresses, true));
        }
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
      body: request.body ? this.bytes(response, Infinity) : this.refs(response),
      statusCode: response.statusCode ?? 0,
      statusMessage: response.statusMessage ?? '',
    };
  }

  private async *refs(response: http.IncomingMessage): AsyncGenerator<Uint8Array> {
    const limit = this.limits.maxRefsBytes ?? MAX_REFS_BYTES;
    const { body, shallow } = withoutShallow(await collectBody(this.bytes(response, limit)));
    this.remoteShallow = shallow;
    yield body;
  }

  private async *bytes(response: http.IncomingMessage, limit: number): AsyncGenerator<Uint8Array> {
    let size = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limit) throw tooManyRefs(limit);
        if (limit === Infinity) this.limits.onPackBytes?.(size);
        yield chunk;
      }
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

function tooManyRefs(limit: number): NodeJS.ErrnoException {
  const message = `the list of its branches and tags is longer than ${Math.round(limit / 2 ** 20)} MiB`;
  return Object.assign(new Error(message), { code: 'E2BIG' });
}

async function collectBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
