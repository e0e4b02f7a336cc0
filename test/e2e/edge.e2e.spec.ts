import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { eventually } from '../support/eventually.js';
import { readEvents } from '../support/event-stream.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { rawRequest, type RawAnswer } from '../support/raw-socket.js';

const token = 'test-token-of-24-characters';
const limit = 300;
const head = (first: string, ...headers: string[]): string =>
  [
    `${first} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${token}`,
    ...headers,
    '',
    '',
  ].join('\r\n');
const step = (run: string): string => `name: edge\nsteps:\n  - run: ${JSON.stringify(run)}\n`;
/** Every test is a client of its own: the server trusts one proxy. */
const client = (): Record<string, string> => ({
  'x-forwarded-for': `2001:db8:${randomBytes(2).toString('hex')}:1::1`,
});

describe('the edge', () => {
  let server: MillraceServer;
  let first: ServerProcess;
  let second: { readonly process: ServerProcess; readonly url: string };
  let slowHeaders: Promise<RawAnswer>;
  let silent: Promise<RawAnswer>;

  beforeAll(async () => {
    server = await MillraceServer.start({
      environment: {
        TRUST_PROXY: '1',
        RATE_LIMIT: String(limit),
        COMPILE_LIMIT: '0',
        AUTH_FAILURE_LIMIT: '20',
        CLIENT_ORIGIN: 'https://ui.example.com',
      },
    });
    first = server.api as ServerProcess;
    const url = server.baseUrl;
    const process = await server.startApi();
    second = { process, url: server.baseUrl };
    Object.assign(server, { api: first, baseUrl: url });
    // These take 15 s, so they continue beside the other tests.
    const trickle = [
      'GET /api/health/live HTTP/1.1\r\nHost: x\r\n',
      ...Array<string>(400).fill('A'),
    ];
    slowHeaders = rawRequest(url, trickle, { everyMs: 100, timeoutMs: 40_000 });
    silent = rawRequest(url, [], { timeoutMs: 40_000 });
  });

  afterAll(async () => {
    await second.process.end();
    await server.stop();
  });

  const get = async (
    base: string,
    headers: Record<string, string>,
    path = '/api/workers',
  ): Promise<Response> => fetch(`${base}${path}`, { headers });
  const authorization = `Bearer ${token}`;

  describe('rate limits', () => {
    it('hold over two API processes', async () => {
      const headers = { ...client(), authorization };
      const used = Math.floor(limit / 2);
      const answers = await Promise.all(
        Array.from({ length: used }, () => get(server.baseUrl, headers)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(used).fill(200));
      let others = 0;
      let refused: Response | undefined;
      while (refused === undefined && others < 2 * limit) {
        const answer = await get(second.url, headers);
        if (answer.status === 429) refused = answer;
        else others += 1;
      }
      // A twentieth passes before the processes tell each other, and what comes within 50 ms.
      expect(used + others).toBeLessThan(limit * 1.4);
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
      await eventually(
        async () => (await get(server.baseUrl, headers)).status === 429 || undefined,
      );
      expect(await refused?.json()).toMatchObject({
        error: 'RateLimitError',
        suggestions: [expect.stringContaining('Retry-After')],
      });
      const live = await get(server.baseUrl, headers, '/api/health/live');
      expect(live.status).toBe(200);
    });

    it('refuse wrong tokens at last, and never a good one', async () => {
      const from = client();
      const wrong = { ...from, authorization: 'Bearer of-nothing' };
      const statuses: number[] = [];
      for (let n = 0; n < 25; n += 1) statuses.push((await get(server.baseUrl, wrong)).status);
      expect(statuses).toEqual([...Array<number>(20).fill(401), ...Array<number>(5).fill(429)]);
      expect((await get(server.baseUrl, { ...from, authorization })).status).toBe(200);
    });

    it('let a trigger through while Redis is away, and log it once', async () => {
      const pipeline = await server.createPipeline(step('true'));
      const url = server.baseUrl;
      const away = await server.startApi({ REDIS_URL: 'redis://127.0.0.1:1' });
      const base = server.baseUrl;
      Object.assign(server, { api: first, baseUrl: url });
      try {
        const trigger = async (): Promise<number> => {
          const path = `/api/ci/pipelines/${pipeline}/trigger`;
          const answer = await fetch(`${base}${path}`, {
            method: 'POST',
            headers: { authorization },
          });
          return answer.status;
        };
        for (let round = 0; round < 4; round += 1) {
          const answers = await Promise.all(Array.from({ length: 20 }, trigger));
          expect(answers).toEqual(Array(20).fill(202));
        }
        const told = (): number =>
          away.output().split('limits hold for each API process').length - 1;
        await eventually(() => told() > 0 || undefined);
        expect(told()).toBe(1);
        expect(away.output()).not.toContain('limits hold over all');
      } finally {
        await away.end();
      }
    });
  });

  describe('headers', () => {
    it('let Swagger UI load what it needs and nothing else', async () => {
      const page = await get(server.baseUrl, {}, '/api/docs');
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("script-src 'self';");
      const html = await page.text();
      // No script in place, and everything from this server.
      expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
      expect(html).not.toMatch(/\son[a-z]+=/);
      const sources = [...html.matchAll(/<(?:script|link)[^>]+(?:src|href)="([^"]+)"/g)];
      expect(sources.length).toBeGreaterThan(2);
      for (const [, source] of sources) {
        const target = new URL(source ?? '', `${server.baseUrl}/api/docs`);
        expect(target.origin).toBe(server.baseUrl);
        const answer = await fetch(target);
        expect([source, answer.status]).toEqual([source, 200]);
      }
    });

    it('know TLS by the proxy alone', async () => {
      const tls = await get(server.baseUrl, { 'x-forwarded-proto': 'https' }, '/api/health/live');
      expect(tls.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}$/);
      const plain = await get(server.baseUrl, {}, '/api/health/live');
      expect(plain.headers.get('strict-transport-security')).toBeNull();
    });

    it('take no address of this server from a proxy header', async () => {
      const answer = await server.fetch(
        'POST',
        '/api/ci/pipelines',
        { yaml_content: step('true') },
        { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' },
      );
      expect(answer.headers.get('location')).toMatch(/^\/api\/ci\/pipelines\/[0-9a-f-]{36}$/);
    });
  });

  describe('requests that are not what they say', () => {
    const json = 'Content-Type: application/json';
    const post = 'POST /api/ci/pipelines/validate';
    const get1 = head('GET /api/health/live', 'Connection: close');

    it.each([
      ['two lengths', head(post, json, 'Content-Length: 2', 'Content-Length: 3') + '{}'],
      ['two equal lengths', head(post, json, 'Content-Length: 2', 'Content-Length: 2') + '{}'],
      ['a list of lengths', head(post, json, 'Content-Length: 2, 2') + '{}'],
      ['a signed length', head(post, json, 'Content-Length: +2') + '{}'],
      [
        'a length and chunks',
        head(post, json, 'Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      ],
      ['a coding that is unknown', head(post, json, 'Transfer-Encoding: xchunked') + '0\r\n\r\n'],
      [
        'chunks before another coding',
        head(post, json, 'Transfer-Encoding: chunked, x') + '0\r\n\r\n',
      ],
      [
        'a bad chunk size',
        head(post, json, 'Transfer-Encoding: chunked') + '0x2\r\n{}\r\n0\r\n\r\n',
      ],
      ['a space before the colon', head('GET /api/health/live', 'X-A : b')],
      ['a folded header', head('GET /api/health/live', 'X-A: b', ' c: d')],
      ['a bare line feed', 'GET /api/health/live HTTP/1.1\nHost: 127.0.0.1\n\n'],
      ['a NUL in a header', head('GET /api/health/live', 'X-A: b\0c')],
      ['no host', 'GET /api/health/live HTTP/1.1\r\n\r\n'],
      ['no HTTP', 'hello\r\n\r\n'],
      ['TLS', Buffer.from('16030100a5010000a10303', 'hex').toString('latin1')],
      ['a method that is none', head('SMUGGLE /api/health/live')],
    ])('are refused: %s', async (_name, text) => {
      const answer = await rawRequest(server.baseUrl, [text, get1]);
      expect(answer.closed).toBe(true);
      // One refusal and nothing after it: what follows is not taken for another request.
      expect(answer.text).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    });

    it('are refused in the one error shape', async () => {
      for (const [text, status, error] of [
        ['hello\r\n\r\n', 400, 'ValidationError'],
        ['GET /api/health/live HTTP/1.1\r\n\r\n', 400, 'ValidationError'],
        ['GET /api/nothing HTTP/1.0\r\n\r\n', 400, 'ValidationError'],
        [head('GET /api/health/live', `X-A: ${'a'.repeat(20_000)}`), 431, 'PayloadTooLargeError'],
        [head('GET /api/health/live', 'Expect: the-impossible'), 417, 'ValidationError'],
        [head(post, json, 'Content-Length: 99999999') + '{', 413, 'PayloadTooLargeError'],
        [
          head(post, json, 'Content-Length: 1', 'Content-Encoding: gzip') + 'x',
          415,
          'UnsupportedMediaTypeError',
        ],
        [
          head('GET /api/health/live', 'Host: evil.example', 'Connection: close'),
          403,
          'AuthorizationError',
        ],
      ] as const) {
        const answer = await rawRequest(server.baseUrl, [text], { timeoutMs: 5_000 });
        expect([error, answer.text.slice(0, 12)]).toEqual([error, `HTTP/1.1 ${status}`]);
        const body = answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4);
        expect(JSON.parse(body)).toEqual({
          error,
          message: expect.any(String),
          details: expect.anything(),
          suggestions: [expect.any(String)],
          timestamp: expect.any(String),
        });
      }
    });

    it('a body that is longer than it says is no second request', async () => {
      const answer = await rawRequest(server.baseUrl, [
        head(post, json, 'Content-Length: 2') + '{}GET /api/workers HTTP/1.1\r\nHost: x\r\n\r\n',
        get1,
      ]);
      // The rest is a request of its own, as HTTP has it; without a token it gets nothing.
      expect(answer.text).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.text).toContain('HTTP/1.1 403 ');
      expect(answer.text).not.toContain('"status":"active"');
    });

    it('pipelined requests are answered in their order', async () => {
      const ids = ['pipelined-1', 'pipelined-2', 'pipelined-3'];
      const text = ids
        .map((id, n) =>
          head(
            'GET /api/health/live',
            `X-Request-Id: ${id}`,
            ...(n === 2 ? ['Connection: close'] : []),
          ),
        )
        .join('');
      const { text: answer } = await rawRequest(server.baseUrl, [text]);
      expect([...answer.matchAll(/x-request-id: (\S+)/gi)].map(([, id]) => id)).toEqual(ids);
    });

    it('a compressed bomb is refused unread, as JSON and as upload', async () => {
      const bomb = gzipSync(Buffer.alloc(10_000_000, ' '));
      for (const [path, type] of [
        ['/api/ci/pipelines/validate', 'application/json'],
        ['/api/ci/pipelines/upload', 'multipart/form-data; boundary=x'],
      ] as const) {
        const answer = await fetch(`${server.baseUrl}${path}`, {
          method: 'POST',
          headers: { authorization, 'content-type': type, 'content-encoding': 'gzip' },
          body: new Uint8Array(bomb),
        });
        expect([path, answer.status]).toEqual([path, 415]);
      }
    });

    it('a body of somebody unknown is not read to its end', async () => {
      const text = `POST /api/ci/pipelines HTTP/1.1\r\nHost: 127.0.0.1\r\n${json}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
      const endless = [text, ...Array<string>(300).fill(chunk)];
      const answer = await rawRequest(server.baseUrl, endless, { everyMs: 50, timeoutMs: 14_000 });
      expect(answer.text).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer.closed).toBe(true);
    });
  });

  describe('event streams', () => {
    it('cannot be forged by what a step prints', async () => {
      const text = 'x\\r\\r\\nevent: done\\ndata: {}\\n\\nid: 99\\r\\033[31mred\\342\\200\\250';
      const run = `printf '${text}\\n'`;
      const execution = await server.run(step(run));
      const stream = await server.fetch('GET', `/api/ci/executions/${execution.id}/events`);
      const events: string[] = [];
      const lines: string[] = [];
      for await (const { event, data } of readEvents(stream)) {
        events.push(event);
        if (event === 'log') {
          lines.push(
            ...(data as { lines: { text: string }[] }).lines.map(({ text: line }) => line),
          );
        }
      }
      expect([...new Set(events)]).toEqual(['status', 'log', 'done']);
      expect(lines.join('\n')).toContain('\u001b[31mred\u2028');
      expect(lines).toContain('event: done');
    });

    it('have a limit for each client', async () => {
      const id = await server.trigger(await server.createPipeline(step('sleep 60')));
      const headers = { ...client(), authorization };
      const abort = new AbortController();
      const open = async (from = headers): Promise<Response> =>
        fetch(`${server.baseUrl}/api/ci/executions/${id}/events`, {
          headers: from,
          signal: abort.signal,
        });
      const streams = await Promise.all(Array.from({ length: 64 }, () => open()));
      expect(streams.every(({ status }) => status === 200)).toBe(true);
      const refused = await open();
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(await refused.json()).toMatchObject({
        error: 'RateLimitError',
        details: { reason: 'streams_of_client', limit: 64 },
      });
      expect((await open({ ...client(), authorization })).status).toBe(200);
      abort.abort();
      await eventually(async () => {
        const again = new AbortController();
        const { status } = await fetch(`${server.baseUrl}/api/ci/executions/${id}/events`, {
          headers,
          signal: again.signal,
        });
        again.abort();
        return status === 200 || undefined;
      });
      await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
    });
  });

  it('serves others while a hundred connections say nothing', async () => {
    const { port, hostname } = new URL(server.baseUrl);
    const sockets: Socket[] = [];
    for (let n = 0; n < 100; n += 1) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.write('POST /api/ci/pipelines HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le');
      sockets.push(socket);
    }
    const live = await get(server.baseUrl, {}, '/api/health/live');
    expect(live.status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  it('cuts headers that do not come to an end, and connections that say nothing', async () => {
    for (const answer of [await slowHeaders, await silent]) {
      expect(answer.closed).toBe(true);
      expect(answer.text).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer.text).toContain('"error":"TimeoutError"');
      expect(answer.ms).toBeGreaterThan(10_000);
      expect(answer.ms).toBeLessThan(30_000);
    }
  });
});
