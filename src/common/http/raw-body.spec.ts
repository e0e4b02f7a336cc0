import { Controller, Get, Headers, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import request from 'supertest';
import { eventually } from '../../../test/support/eventually.js';
import { rawRequest, type RawAnswer } from '../../../test/support/raw-socket.js';
import { GuardOnlyModule } from '../../auth/auth.fixture.js';
import { Public } from '../../auth/policy/public.decorator.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { authenticateWith } from '../../auth/principals/authenticate.middleware.js';
import { Authenticator } from '../../auth/principals/authenticator.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseConfig } from '../../config/load-config.js';
import { MemorySharedCounts } from '../../integrations/rate-limit/memory-shared-counts.js';
import { RateLimitModule } from '../../integrations/rate-limit/rate-limit.module.js';
import { RateLimits } from '../../integrations/rate-limit/rate-limits.js';
import { MillraceError } from '../errors/millrace.error.js';
import { Metrics } from '../metrics/metrics.js';
import { answerClientErrors } from './client-error.js';
import { configureHttp } from './configure-http.js';
import { defaultConnectionLimits, limitConnections } from './connection-limits.js';
import { MAX_RAW_BYTES, RawBody, RawBytes } from './raw-body.decorator.js';

const KIB = 1024;
const LIMIT = 256 * KIB;
/** Of all bodies; raw ones have a half of it. What a body has up to 64 KiB is free. */
const BODY_BYTES = 600 * KIB;
const KEY = 'the key of the webhook';
const REQUEST_MS = 1_500;
const token = 'a-token-of-a-fair-length';

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const signatureOf = (bytes: Buffer): string =>
  createHmac('sha256', KEY).update(bytes).digest('hex');

/** How many requests reached a handler. */
let handled = 0;
/** The handler of `/held` answers when this is called. */
let release: () => void = () => undefined;

@Public()
@Controller('hooks')
class HookController {
  @Post(':id/signed')
  @RawBody({ limit: LIMIT, types: ['application/json', 'application/x-www-form-urlencoded'] })
  signed(
    @Param('id') id: string,
    @RawBytes() bytes: Buffer,
    @Headers('x-signature') signature = '',
  ): { id: string; length: number; digest: string } {
    handled += 1;
    const right = Buffer.from(signatureOf(bytes));
    const told = Buffer.from(signature);
    if (told.length !== right.length || !timingSafeEqual(told, right)) {
      throw new MillraceError('AuthenticationError', 'The signature is not right.');
    }
    return { id, length: bytes.length, digest: digestOf(bytes) };
  }

  @Post('held')
  @RawBody({ limit: LIMIT })
  async held(): Promise<void> {
    await new Promise<void>((resolve) => (release = resolve));
  }

  @Post('plain')
  plain(): string {
    return 'plain';
  }

  @Get(':id/signed')
  read(): string {
    return 'read';
  }
}

@Controller('closed')
class ClosedController {
  @Post()
  @Requires('executions:trigger')
  @RawBody({ limit: LIMIT })
  closed(): void {}
}

@Module({ controllers: [HookController] })
class HookModule {}

@Module({ controllers: [ClosedController] })
class ClosedModule {}

async function create(module: new () => object): Promise<NestExpressApplication> {
  const parsed = parseConfig({ MILLRACE_TOKEN: token, RATE_LIMIT: '0', MAX_UPLOAD_SIZE: '1KiB' });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;
  const imports = [
    ConfigModule.forRoot(config),
    RateLimitModule.over(new MemorySharedCounts()),
    GuardOnlyModule.forRoot(),
  ];
  const app = await NestFactory.create<NestExpressApplication>(
    { module, imports },
    { logger: false, bodyParser: false, abortOnError: false },
  );
  const logger = pino({ level: 'silent' });
  configureHttp(app, {
    config,
    logger,
    limiters: app.get(RateLimits),
    metrics: new Metrics(),
    bodyBytes: BODY_BYTES,
    authenticate: authenticateWith(app.get(Authenticator)),
    translators: [],
  });
  const limits = { ...defaultConnectionLimits, requestMs: REQUEST_MS, checkMs: 30 };
  limitConnections(app.getHttpServer(), { ...limits, headersMs: 1_000 }, 0, logger);
  answerClientErrors(app.getHttpServer());
  return app;
}

describe('@RawBody', () => {
  let app: NestExpressApplication;
  let url: string;
  beforeAll(async () => {
    app = await create(HookModule);
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());
  beforeEach(() => {
    handled = 0;
  });

  const post = (bytes: Buffer, headers: Record<string, string> = {}): request.Test => {
    const sent = request(app.getHttpServer())
      .post('/api/hooks/7/signed')
      .set({ 'content-type': 'application/json', 'x-signature': signatureOf(bytes), ...headers });
    // superagent would write JSON of it again.
    return sent.serialize((body) => body as string).send(bytes.toString('latin1'));
  };
  const sendRaw = (
    path: string,
    headers: readonly string[],
    pieces: readonly (string | Buffer)[],
    everyMs?: number,
  ): Promise<RawAnswer> => {
    const head = [`POST ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
    return rawRequest(url, [head, ...pieces], everyMs === undefined ? {} : { everyMs });
  };
  const json = 'Content-Type: application/json';
  const chunk = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const statusOf = ({ text }: RawAnswer): string => text.split('\r\n', 1)[0] ?? '';

  it('hands on the bytes as they came, for a signature to hold', async () => {
    const bytes = Buffer.from('{"b": 1,\n  "a": 1.50, "a": 2}  ');
    const { body, status } = await post(bytes);
    expect([status, body]).toEqual([
      201,
      { id: '7', length: bytes.length, digest: digestOf(bytes) },
    ]);
    expect((await post(bytes, { 'x-signature': signatureOf(Buffer.from('{}')) })).status).toBe(401);
  });

  it('takes what is no JSON, no UTF-8 and nothing at all', async () => {
    for (const bytes of [Buffer.from('{"a":'), Buffer.from([0xff, 0x00, 0xfe]), Buffer.alloc(0)]) {
      const answer = await sendRaw(
        '/api/hooks/7/signed',
        [
          json,
          `X-Signature: ${signatureOf(bytes)}`,
          `Content-Length: ${bytes.length}`,
          'Connection: close',
        ],
        [bytes],
      );
      expect(answer.text).toContain(`"digest":"${digestOf(bytes)}"`);
    }
  });

  it('puts a chunked body together, byte by byte', async () => {
    const bytes = Buffer.from('{"after": "0123456789"}');
    const answer = await sendRaw(
      '/api/hooks/7/signed',
      [
        json,
        `X-Signature: ${signatureOf(bytes)}`,
        'Transfer-Encoding: chunked',
        'Connection: close',
      ],
      [...[...bytes].map((byte) => chunk(Buffer.from([byte]))), '0\r\n\r\n'],
    );
    expect(answer.text).toContain(`"digest":"${digestOf(bytes)}"`);
  });

  it('takes as much as its own limit says, whatever MAX_UPLOAD_SIZE is', async () => {
    expect((await post(Buffer.alloc(LIMIT, 'a'))).status).toBe(201);
    const over = await post(Buffer.alloc(LIMIT + 1, 'a'));
    expect([over.status, over.body.details]).toEqual([413, { limit_bytes: LIMIT }]);
  });

  it('refuses by 413 what is announced too large, before a byte of it came', async () => {
    const answer = await sendRaw('/api/hooks/7/signed', [json, `Content-Length: ${LIMIT + 1}`], []);
    expect(statusOf(answer)).toBe('HTTP/1.1 413 Payload Too Large');
    expect(answer.text).toContain('Connection: close');
    expect(handled).toBe(0);
  });

  it('refuses by 413 an endless chunked body as soon as it is too large', async () => {
    const piece = chunk(Buffer.alloc(64 * KIB, 'a'));
    const answer = await sendRaw(
      '/api/hooks/7/signed',
      [json, 'Transfer-Encoding: chunked'],
      Array.from({ length: 5 }, () => piece),
    );
    expect(statusOf(answer)).toBe('HTTP/1.1 413 Payload Too Large');
    expect(handled).toBe(0);
  });

  it('never hands on a body that ends before its Content-Length', async () => {
    const answer = await sendRaw('/api/hooks/7/signed', [json, 'Content-Length: 100'], ['{"a":1}']);
    expect(statusOf(answer)).toBe('HTTP/1.1 408 Request Timeout');
    expect(handled).toBe(0);
  });

  it('takes what is behind the Content-Length for no part of the body', async () => {
    const bytes = Buffer.from('{"a":1}');
    const { text } = await sendRaw(
      '/api/hooks/7/signed',
      [json, `X-Signature: ${signatureOf(bytes)}`, 'Content-Length: 7'],
      [bytes, 'and more\r\n\r\n'],
      300,
    );
    expect(text).toContain(`"digest":"${digestOf(bytes)}"`);
    expect(text).toContain('HTTP/1.1 400 Bad Request');
    expect(handled).toBe(1);
  });

  it('refuses two ways to say how long it is', async () => {
    const headers = [json, 'Content-Length: 7', 'Transfer-Encoding: chunked'];
    const answer = await sendRaw('/api/hooks/7/signed', headers, ['{"a":1}']);
    expect(statusOf(answer)).toBe('HTTP/1.1 400 Bad Request');
    expect(handled).toBe(0);
  });

  it('refuses compressed bodies, and those of other types, without reading them', async () => {
    const bytes = gzipSync(Buffer.from('{"a":1}'));
    for (const headers of [
      [json, 'Content-Encoding: gzip'],
      ['Content-Type: text/plain'],
      ['X-No-Type: there'],
    ]) {
      const length = `Content-Length: ${bytes.length + LIMIT / 2}`;
      const answer = await sendRaw('/api/hooks/7/signed', [...headers, length], [bytes]);
      expect(statusOf(answer)).toBe('HTTP/1.1 415 Unsupported Media Type');
    }
    const form = Buffer.from('payload=%7B%7D');
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await post(form, type)).status).toBe(201);
  });

  it('cuts a sender that trickles, and gives back what it held', async () => {
    const almost = Buffer.alloc(LIMIT - 1, 'a');
    const path = '/api/hooks/7/signed';
    const { text, ms } = await sendRaw(path, [json, `Content-Length: ${LIMIT}`], [almost]);
    expect(text).toContain('HTTP/1.1 408 Request Timeout');
    expect(ms).toBeLessThan(REQUEST_MS + 1_500);
    // There is no room for two of this size.
    expect((await post(Buffer.alloc(LIMIT, 'a'))).status).toBe(201);
    expect(handled).toBe(1);
  });

  it('leaves room for those who are known: raw bodies have a half of all, until they are answered', async () => {
    const bytes = Buffer.alloc(LIMIT, 'a');
    const first = request(app.getHttpServer())
      .post('/api/hooks/held')
      .set('content-type', 'application/json')
      .serialize((body) => body as string)
      .send(bytes.toString('latin1'));
    const answered = first.then(({ status }) => status);
    await eventually(async () => (await post(bytes)).status === 503 || undefined, 5_000);
    const small = Buffer.from('{}');
    expect((await post(small)).status).toBe(201);
    release();
    expect(await answered).toBe(201);
    expect((await post(bytes)).status).toBe(201);
  });

  it('changes nothing for the routes beside it', async () => {
    const bytes = Buffer.alloc(2 * KIB, 'a');
    const plain = request(app.getHttpServer())
      .post('/api/hooks/plain')
      .set('authorization', `Bearer ${token}`);
    const answer = await plain
      .set('content-type', 'application/json')
      .send(`"${bytes.toString()}"`);
    expect([answer.status, answer.body.details]).toEqual([413, { limit_bytes: KIB }]);
    await request(app.getHttpServer()).get('/api/hooks/7/signed').expect(200, 'read');
  });

  it('has a limit that fits into what all raw bodies may hold', () => {
    expect(() => RawBody({ limit: MAX_RAW_BYTES + 1 })).toThrow(RangeError);
  });
});

it('@RawBody of a route that is not public keeps the application from starting', async () => {
  const app = await create(ClosedModule);
  await expect(app.listen(0, '127.0.0.1')).rejects.toThrow(
    'ClosedController.closed (/api/closed): @RawBody stands without @Public()',
  );
  await app.close();
});
