import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dial } from './dial.js';

const HOST = '127.0.0.1';

describe('dial', () => {
  const servers: (Server | HttpServer)[] = [];
  afterEach(() => servers.splice(0, Infinity).forEach((server) => server.close()));

  async function listening(server: Server | HttpServer): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, () => resolve()));
    return (server.address() as AddressInfo).port;
  }

  it('knows a port that takes connections from one that does not', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    const port = await listening(server);
    expect(await dial.tcp(HOST, port)).toEqual({ passed: true, said: '' });
    await new Promise((resolve) => server.close(resolve));
    expect(await dial.tcp(HOST, port)).toEqual({
      passed: false,
      said: expect.stringContaining(`port ${port}: connect ECONNREFUSED`) as unknown,
    });
  });

  it.each([
    [200, true],
    [204, true],
    [302, true],
    [399, true],
    [404, false],
    [503, false],
  ])('takes the status %s as %s, and follows no redirect', async (status, passed) => {
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    const port = await listening(server);
    const result = await dial.http(HOST, port, '/up?x=1', 'db');
    expect(result.passed).toBe(passed);
    if (!passed) expect(result.said).toBe(`GET /up?x=1 at port ${port}: status ${status}`);
    expect(asked).toEqual([`GET /up?x=1 db:${port}`]);
  });

  it('does not read what has no end, nor takes what is no answer', async () => {
    const endless = createHttpServer((_request, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect((await dial.http(HOST, await listening(endless), '/', 'db')).passed).toBe(true);
    const other = createServer((socket) => socket.end('no http\r\n\r\n'));
    expect((await dial.http(HOST, await listening(other), '/', 'db')).passed).toBe(false);
  });
});
