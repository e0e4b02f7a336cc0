import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import { AddressRefusedError } from '../../common/net/address-policy.js';
import { type CheckedResolver, pinnedLookup } from '../../common/net/checked-addresses.js';
import { GitError } from './git-client.js';
import { unreachable } from './git-failures.js';

const USERNAME = 'millrace';
const MAX_CONNECTIONS = 64;

/**
 * A forward proxy on loopback for one clone by the git program: git resolves no name itself, and
 * each connection that it makes, also for a redirect, goes to an address that was checked. Tunnels
 * for https (CONNECT; the certificate is checked by git), forwards http. Only who knows the random
 * password of its URL is served, so that it is no open proxy for others on this machine.
 */
export class CheckedProxy {
  private failed: GitError | undefined;
  private readonly sockets = new Set<Duplex>();
  private readonly agent = new http.Agent({ keepAlive: true });

  private constructor(
    private readonly server: http.Server,
    private readonly resolver: CheckedResolver,
    private readonly password: string,
  ) {}

  static async start(resolver: CheckedResolver): Promise<CheckedProxy> {
    const server = http.createServer();
    server.maxConnections = MAX_CONNECTIONS;
    const proxy = new CheckedProxy(server, resolver, randomBytes(24).toString('hex'));
    server.on('connection', (socket) => proxy.track(socket));
    server.on('connect', (request, socket: net.Socket, head) => {
      void proxy.tunnel(request, socket, head);
    });
    server.on('request', (request, response) => void proxy.forward(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** With the credentials in it. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://${USERNAME}:${this.password}@127.0.0.1:${port}`;
  }

  /** Why the last connection that could not be made was not made. */
  failure(): GitError | undefined {
    return this.failed;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.agent.destroy();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async tunnel(
    request: http.IncomingMessage,
    client: net.Socket,
    head: Buffer,
  ): Promise<void> {
    if (!this.isKnown(request)) return void client.end(answerText(407));
    try {
      const target = new URL(`https://${request.url ?? ''}`);
      const remote = await this.connect(target.hostname, Number(target.port || 443));
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      remote.write(head);
      // Ends, and errors, of one side are the end of the other.
      pipeline(client, remote, client, () => undefined);
    } catch (error) {
      this.failed = connectionError(error);
      client.end(answerText(error instanceof AddressRefusedError ? 403 : 502));
    }
  }

  private async forward(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    if (!this.isKnown(request)) return void refuse(response, 407);
    try {
      const url = new URL(request.url ?? '');
      if (url.protocol !== 'http:') return void refuse(response, 400);
      const lookup = pinnedLookup(await this.resolver.addresses(url.hostname));
      const { method } = request;
      const headers = endToEnd(request.rawHeaders);
      const options = { method, headers, lookup, agent: this.agent };
      const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
        const outgoing = http.request(url, options, resolve);
        outgoing.on('error', reject);
        response.on('close', () => outgoing.destroy());
        request.pipe(outgoing);
      });
      const { statusCode = 502, statusMessage, rawHeaders } = answer;
      response.writeHead(statusCode, statusMessage, endToEnd(rawHeaders));
      pipeline(answer, response, () => undefined);
    } catch (error) {
      this.failed = connectionError(error);
      refuse(response, error instanceof AddressRefusedError ? 403 : 502);
    }
  }

  private async connect(host: string, port: number): Promise<net.Socket> {
    const lookup = pinnedLookup(await this.resolver.addresses(host));
    const socket = net.connect({ host: host.replace(/^\[|\]$/g, ''), port, lookup });
    this.track(socket);
    return new Promise((resolve, reject) => {
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }

  private track(socket: Duplex): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // A connection that breaks ends what it belongs to, by `pipeline` or `close`.
    socket.on('error', () => undefined);
  }

  private isKnown(request: http.IncomingMessage): boolean {
    const expected = `Basic ${Buffer.from(`${USERNAME}:${this.password}`).toString('base64')}`;
    const given = request.headers['proxy-authorization'] ?? '';
    return timingSafeEqual(digest(given), digest(expected));
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function connectionError(error: unknown): GitError {
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof AddressRefusedError) return new GitError('address_refused', message, false);
  // HPE: what came is no HTTP, or its headers are over 16 KiB.
  return unreachable(message, !(code ?? '').startsWith('HPE_'));
}

function refuse(response: http.ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { connection: 'close', ...challenge(status) }).end();
}

function answerText(status: number): string {
  const headers = Object.entries({ 'content-length': '0', ...challenge(status) });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
}

function challenge(status: number): Record<string, string> {
  return status === 407 ? { 'proxy-authenticate': 'Basic realm="millrace"' } : {};
}

/** Headers that concern one connection only, and not the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
