import { createServer, type Server } from 'node:http';
import { connect, type Socket, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import pino from 'pino';
import { eventually } from '../../../test/support/eventually.js';
import { rawRequest } from '../../../test/support/raw-socket.js';
import { answerClientErrors } from './client-error.js';
import { type ConnectionLimits, limitConnections } from './connection-limits.js';

const limits: ConnectionLimits = {
  headersMs: 1_000,
  requestMs: 1_500,
  checkMs: 30,
  idleMs: 5_000,
  connections: 100,
  connectionsOfOne: 3,
};

describe('limitConnections', () => {
  const logged: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
  let server: Server;
  let url: string;
  let sockets: Socket[];

  async function start(proxies: number): Promise<void> {
    server = createServer((request, response) => {
      request.resume().on('end', () => response.end('whole'));
    });
    limitConnections(server, limits, proxies, logger);
    answerClientErrors(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Connections that say nothing; those that were refused are closed. */
  async function open(count: number): Promise<void> {
    const { port } = new URL(url);
    for (let n = 0; n < count; n++) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      socket.resume();
      sockets.push(socket);
      await once(socket, 'connect');
    }
  }

  const closed = (): number => sockets.filter((socket) => socket.closed).length;

  beforeEach(() => {
    logged.length = 0;
    sockets = [];
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('cuts a body that trickles, by an answer in the one error shape', async () => {
    await start(0);
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`;
    const pieces = [head, ...Array.from({ length: 200 }, () => 'x')];
    const { text, ms, closed: isClosed } = await rawRequest(url, pieces, { everyMs: 20 });
    expect(isClosed).toBe(true);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('"error":"TimeoutError"');
    expect(ms).toBeGreaterThanOrEqual(limits.requestMs);
  });

  it('takes a body that comes slowly, but in time', async () => {
    await start(0);
    const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n`;
    const { text } = await rawRequest(url, [head, 'a', 'b', 'c'], { everyMs: 20 });
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*whole$/);
  });

  it('refuses connections of one address beyond its limit, says so once, and takes new ones when others end', async () => {
    await start(0);
    await open(5);
    await eventually(() => closed() === 2 || undefined);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('too many');
    sockets[0]?.destroy();
    await eventually(() => closed() === 3 || undefined);
    const { text } = await eventually(async () => {
      const answer = await rawRequest(url, [
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      ]);
      return answer.text === '' ? undefined : answer;
    });
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('has no limit for one address behind a proxy, whose address is that of all', async () => {
    await start(1);
    await open(8);
    const { text } = await rawRequest(url, [
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ]);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(logged).toEqual([]);
  });
});
