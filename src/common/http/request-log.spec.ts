import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { requestLog } from './request-log.js';

describe('the line of a request', () => {
  let server: Server;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    const sink = new Writable({
      write: (text: Buffer, _encoding, done) => {
        lines.push(text.toString());
        done();
      },
    });
    const log = requestLog(pino({ base: { role: 'api' } }, sink), 0);
    server = createServer((request, response) => {
      log(request, response, () => {
        // Who it is becomes known after the request has come.
        Object.assign(request, { principal: { id: 'user-7' } });
        response.writeHead(request.url === '/broken' ? 500 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => server.close());

  async function lineOf(path: string): Promise<string> {
    const { port } = server.address() as AddressInfo;
    const headers = { 'x-request-id': 'one-of-mine', connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`, { headers });
    expect(answer.headers.get('x-request-id')).toBe('one-of-mine');
    expect(lines).toHaveLength(1);
    return lines[0] ?? '';
  }

  it('tells what was asked, by whom, and how it ended, and no query', async () => {
    const line = await lineOf('/api/ci/pipelines?secret=1');
    expect(JSON.parse(line)).toEqual({
      ...{ level: 30, time: expect.any(Number), role: 'api', request_id: 'one-of-mine' },
      ...{ req: { method: 'GET', path: '/api/ci/pipelines' }, res: { status: 200 } },
      ...{ actor: 'user-7', client: '127.0.0.1', duration_ms: expect.any(Number) },
      msg: 'request',
    });
  });

  it.each(['/a', '/broken'])('of %s names nothing twice', async (path) => {
    const line = await lineOf(path);
    const names = [...line.matchAll(/"(\w+)":/g)].map(([, name]) => name);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
    expect(JSON.parse(line)).toMatchObject({ actor: 'user-7', client: '127.0.0.1' });
  });

  it('is an error where the server failed', async () => {
    const line = await lineOf('/broken');
    expect(JSON.parse(line)).toMatchObject({
      level: 50,
      res: { status: 500 },
      msg: 'request failed',
    });
  });
});
