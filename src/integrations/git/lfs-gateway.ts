import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import type { GitHttpResponse } from 'isomorphic-git';
import type { CheckedResolver } from '../../common/net/checked-addresses.js';
import type { UrlCredentials } from '../../common/url-credentials.js';
import { GitError } from './git-client.js';
import { isomorphicGitFailure } from './isomorphic-git-failure.js';
import { GitHttpClient } from './isomorphic-git-http.js';

export interface LfsRemote {
  /** Of the server of Git LFS, without `/objects/batch`. */
  readonly endpoint: string;
  /** Of the repository. */
  readonly origin: string;
  /** Go to the origin only. */
  readonly credentials?: UrlCredentials;
  /** Certificates of CAs, in PEM form; default: those of Node. */
  readonly ca?: string;
}

const TYPE = 'application/vnd.git-lfs+json';
const MAX_QUESTION = 2 ** 20;
const MAX_ANSWER = 16 * 2 ** 20;
const OID = /^[0-9a-f]{64}$/;

interface Download {
  readonly href: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What `git-lfs` talks to in one clone: a server on loopback that asks the real one. git-lfs dials
 * by itself whatever a server or `.lfsconfig` names, and addresses of this machine past any proxy;
 * here each connection, also of a redirect and of the address that a file is fetched from, goes to
 * an address that was checked. Downloads only; the secret is in the path.
 */
export class LfsGateway {
  private failed: GitError | undefined;
  private readonly secret = randomBytes(24).toString('hex');
  private readonly downloads = new Map<string, Download>();
  private readonly clients = new Map<string, GitHttpClient>();

  private constructor(
    private readonly server: http.Server,
    private readonly remote: LfsRemote,
    private readonly resolver: CheckedResolver,
  ) {}

  static async start(remote: LfsRemote, resolver: CheckedResolver): Promise<LfsGateway> {
    const server = http.createServer();
    const gateway = new LfsGateway(server, remote, resolver);
    server.on('request', (request, response) => void gateway.answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return gateway;
  }

  /** For `lfs.url`. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${this.secret}`;
  }

  /** Why the last thing that was asked for was not had. */
  failure(): GitError | undefined {
    return this.failed;
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const path = request.url ?? '';
    const start = `/${this.secret}/objects/`;
    try {
      if (request.method === 'POST' && path === `${start}batch`) {
        return await this.batch(request, response);
      }
      const download = path.startsWith(start) && this.downloads.get(path.slice(start.length));
      if (request.method === 'GET' && download) return await this.download(download, response);
      refuse(response, 404, 'not asked for in a clone');
    } catch (error) {
      this.failed = lfsFailure(isomorphicGitFailure(error));
      // git-lfs tries again what it takes for a fault of the moment.
      refuse(response, this.failed.retryable ? 502 : 404, this.failed.message);
    }
  }

  private async batch(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const question = parsed<Question>(await readAll(request, MAX_QUESTION));
    const objects = (question.objects ?? []).map(({ oid, size }) => ({ oid, size }));
    const body = JSON.stringify({ operation: 'download', transfers: ['basic'], objects });
    const url = `${this.remote.endpoint}/objects/batch`;
    const headers = { accept: TYPE, 'content-type': TYPE, ...this.authorization(url) };
    const answer = await this.client(url).request({
      url,
      method: 'POST',
      headers,
      body: once(Buffer.from(body)),
    });
    if (answer.statusCode !== 200) {
      throw statusFailure(answer.statusCode);
    }
    const offered = parsed<Answer>(await readAll(answer.body ?? none(), MAX_ANSWER));
    const asked = new Set(objects.map(({ oid }) => oid));
    const given = (offered.objects ?? []).filter(({ oid }) => asked.has(oid));
    send(response, 200, { transfer: 'basic', objects: given.map((one) => this.readdressed(one)) });
  }

  /** The object with an address of ours in the place of the server's. */
  private readdressed({ oid, size, actions, error }: AnsweredObject): object {
    const { href, header } = actions?.download ?? {};
    if (typeof href !== 'string' || !OID.test(oid)) {
      const { code = 404, message = 'the server has no such object' } = error ?? {};
      return { oid, size, error: { code: Number(code), message: String(message) } };
    }
    this.downloads.set(oid, { href, headers: textsOf(header) });
    const ours = { href: `${this.url}/objects/${oid}` };
    return { oid, size, authenticated: true, actions: { download: ours } };
  }

  private async download(
    { href, headers }: Download,
    response: http.ServerResponse,
  ): Promise<void> {
    const url = URL.canParse(href) ? new URL(href).href : '';
    const secure = url.startsWith('https://');
    if (!secure && !(url.startsWith('http://') && this.remote.origin.startsWith('http://'))) {
      throw new GitError('failed', 'a file lies at an address that is not https', false);
    }
    const named = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
    const all = { ...(named ? {} : this.authorization(url)), ...headers };
    const answer = await this.client(url).request({ url, method: 'GET', headers: all });
    if (answer.statusCode !== 200) throw statusFailure(answer.statusCode);
    const length = answer.headers?.['content-length'];
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      ...(length !== undefined && { 'content-length': length }),
    });
    // A body that breaks off breaks off here, too: git-lfs looks at its length and digest.
    pipeline(Readable.from(answer.body ?? none()), response, () => undefined);
  }

  private authorization(url: string): Record<string, string> {
    const { credentials, origin } = this.remote;
    if (!credentials || new URL(url).origin !== origin) return {};
    const pair = `${credentials.username}:${credentials.password}`;
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  }

  /** Each sends `Authorization` to its own origin only. */
  private client(url: string): GitHttpClient {
    const { origin } = new URL(url);
    const known = this.clients.get(origin);
    if (known) return known;
    const limits = { maxRefsBytes: Infinity, ca: this.remote.ca };
    const client = new GitHttpClient(origin, this.resolver, limits);
    this.clients.set(origin, client);
    return client;
  }
}

interface Question {
  readonly objects?: readonly { readonly oid: string; readonly size: number }[];
}

interface AnsweredObject {
  readonly oid: string;
  readonly size: number;
  readonly actions?: { readonly download?: { readonly href?: unknown; readonly header?: unknown } };
  readonly error?: { readonly code?: unknown; readonly message?: unknown };
}

interface Answer {
  readonly objects?: readonly AnsweredObject[];
}

function parsed<T extends object>(text: Buffer): Partial<T> {
  try {
    return (JSON.parse(text.toString()) as Partial<T> | null) ?? {};
  } catch {
    throw new GitError('failed', 'the server of Git LFS answered, but not as one does', false);
  }
}

function textsOf(header: unknown): Record<string, string> {
  const entries = Object.entries((header ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function statusFailure(status: number): GitError {
  if (status === 401 || status === 403) {
    const message = 'the server of Git LFS refused the credentials, or needs some';
    return new GitError('authentication_failed', message, false);
  }
  const message = `the server of Git LFS answered with HTTP status ${status}`;
  return new GitError('failed', message, status >= 500 || status === 429);
}

function lfsFailure(error: GitError): GitError {
  return new GitError(error.code, `Git LFS: ${error.message}`, error.retryable);
}

function refuse(response: http.ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy();
  send(response, status, { message });
}

function send(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': TYPE }).end(JSON.stringify(body));
}

async function readAll(
  body: AsyncIterable<Uint8Array> | http.IncomingMessage,
  limit: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw new GitError('too_large', 'an answer is too long', false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function none(): NonNullable<GitHttpResponse['body']> {
  return (async function* (): AsyncGenerator<Uint8Array> {
    // An answer without a body.
  })();
}
