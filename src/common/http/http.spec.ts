import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Module,
  Param,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { IsInt, IsString } from 'class-validator';
import type { Response } from 'express';
import { connect, type AddressInfo } from 'node:net';
import request from 'supertest';
import { authenticateWith } from '../../auth/principals/authenticate.middleware.js';
import { GuardOnlyModule } from '../../auth/auth.fixture.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { Authenticator } from '../../auth/principals/authenticator.js';
import { Public } from '../../auth/policy/public.decorator.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseConfig } from '../../config/load-config.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { MemorySharedCounts } from '../../integrations/rate-limit/memory-shared-counts.js';
import { RateLimitModule } from '../../integrations/rate-limit/rate-limit.module.js';
import { RateLimits } from '../../integrations/rate-limit/rate-limits.js';
import { MillraceError } from '../errors/millrace.error.js';
import { createRootLogger } from '../logging/root-logger.js';
import { Metrics } from '../metrics/metrics.js';
import { configureHttp } from './configure-http.js';
import { PageQuery } from './paging.js';
import { UuidPipe } from './uuid.pipe.js';
import { TextBody } from './text-body.js';
import { OwnCharacters } from './name-map.decorator.js';

class ThingDto {
  @IsString()
  name!: string;

  @IsInt()
  size!: number;
}

class TextDto {
  @IsString()
  @OwnCharacters()
  name!: string;
}

@Requires('pipelines:read')
@Controller('things')
class ThingController {
  @Get()
  list(@Query() query: PageQuery): PageQuery {
    return query;
  }

  @Post()
  create(@Body() body: ThingDto): ThingDto {
    return body;
  }

  @Put('text')
  @TextBody({ types: ['text/yaml'], property: 'name' }, 'a: b')
  text(@Body() body: TextDto): TextDto {
    return body;
  }

  @Get('open')
  @Public()
  open(): string {
    return 'open';
  }

  @Get('fixed')
  fixed(): void {}

  @Get(':id')
  get(@Param('id', UuidPipe) id: string): { id: string } {
    return { id };
  }

  @Put(':id')
  @HttpCode(204)
  put(): void {}

  @Post('fail/:how')
  fail(@Param('how') how: string): never {
    if (how === 'kind') {
      throw new MillraceError('ServiceUnavailableError', 'Away.', { retryAfterSeconds: 3 });
    }
    if (how === 'library') throw new TypeError('the library speaks');
    throw new Error('mongodb://user:hunter2@10.0.0.7/ at /opt/millrace/dist/x.js');
  }

  @Get('stream/broken')
  stream(@Res() response: Response): void {
    response.write('half');
    throw new Error('late');
  }
}

@Module({ controllers: [ThingController] })
class ThingModule {}

const token = 'a-token-of-a-fair-length';
const bearer = { authorization: `Bearer ${token}` };
const lines: Record<string, unknown>[] = [];
let app: NestExpressApplication;

function configOf(environment: Record<string, string>): MillraceConfig {
  const result = parseConfig({ MILLRACE_TOKEN: token, ...environment });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const metrics = new Metrics();

async function start(environment: Record<string, string>): Promise<NestExpressApplication> {
  const config = configOf(environment);
  const logger = createRootLogger({
    level: 'info',
    role: 'test',
    destination: {
      write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
    },
  });
  const root = {
    module: ThingModule,
    imports: [
      ConfigModule.forRoot(config),
      RateLimitModule.over(new MemorySharedCounts()),
      GuardOnlyModule.forRoot(),
    ],
  };
  const started = await NestFactory.create<NestExpressApplication>(root, {
    logger: false,
    bodyParser: false,
  });
  configureHttp(started, {
    docs,
    config,
    logger,
    limiters: started.get(RateLimits),
    metrics,
    authenticate: authenticateWith(started.get(Authenticator)),
    pageAdviser: (_error, address) =>
      address.endsWith('?advice=1')
        ? { title: 'Advised.', todo: [{ text: 'There', href: '/there' }] }
        : undefined,
    translators: [
      (error) =>
        error instanceof TypeError
          ? new MillraceError('ExternalServiceError', 'Translated.')
          : undefined,
    ],
  });
  await started.listen(0, '127.0.0.1');
  return started;
}

/** Sends bytes as they are, and gives what came back until the other side closed. */
function raw(text: string): Promise<string> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

function expectShape(response: request.Response, status: number, error: string): void {
  expect(response.headers['content-type']).toContain('application/json');
  expect(response.body).toEqual({
    error,
    message: expect.stringMatching(/\S/),
    details: expect.anything(),
    suggestions: expect.arrayContaining([expect.stringMatching(/\S/)]),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
  expect(response.status).toBe(status);
  expect(response.headers['x-request-id']).toMatch(/\S{8,}/);
}

/** What the build makes of the documentation, and a file beside it. */
const docs = join(mkdtempSync(join(tmpdir(), 'millrace-docs-')), 'docs');
function makeDocs(): void {
  mkdirSync(join(docs, 'adr'), { recursive: true });
  writeFileSync(join(docs, 'index.html'), 'the first minutes');
  writeFileSync(join(docs, 'triggers.html'), 'triggers');
  writeFileSync(join(docs, 'adr/0001-a.html'), 'decided');
  writeFileSync(join(docs, '.hidden'), 'hidden');
  writeFileSync(join(docs, '../secret.html'), 'secret');
}
afterAll(() => rmSync(join(docs, '..'), { recursive: true }));

beforeAll(async () => {
  makeDocs();
  app = await start({
    RATE_LIMIT: '0',
    AUTH_FAILURE_LIMIT: '0',
    MAX_UPLOAD_SIZE: '2KiB',
    CLIENT_ORIGIN: 'https://ui.example.com',
  });
});
afterAll(() => app.close());
beforeEach(() => {
  lines.length = 0;
});

const agent = (): ReturnType<typeof request> => request(app.getHttpServer());

describe('errors', () => {
  it('404 for a path that does not exist', async () => {
    expectShape(await agent().get('/api/nothing').set(bearer), 404, 'NotFoundError');
    for (const path of ['/', '/api', '/api/', '/apiary', '/x/y']) {
      expectShape(await agent().get(path), 404, 'NotFoundError');
    }
    expectShape(await agent().post('/api/nothing').send({}), 404, 'NotFoundError');
  });

  it('405 with Allow from the route table', async () => {
    const response = await agent().delete('/api/things').set(bearer);
    expectShape(response, 405, 'MethodNotAllowedError');
    expect(response.headers['allow']).toBe('GET, HEAD, POST');
    const one = await agent().patch('/api/things/x?y=1').set(bearer);
    expect(one.headers['allow']).toBe('GET, HEAD, PUT');
    // `PUT /things/:id` is not meant.
    const literal = await agent().put('/api/things/fixed').set(bearer).send({});
    expectShape(literal, 405, 'MethodNotAllowedError');
    expect(literal.headers['allow']).toBe('GET, HEAD');
    // Nobody reads the body of what no route takes.
    const json = { ...bearer, 'content-type': 'application/json' };
    const broken = await agent().patch('/api/things/x').set(json).send('null');
    expectShape(broken, 405, 'MethodNotAllowedError');
  });

  it('401 without a token, with a wrong one, and not for what is public', async () => {
    const response = await agent().get('/api/things');
    expectShape(response, 401, 'AuthenticationError');
    expect(response.headers['www-authenticate']).toBe('Bearer');
    const wrong = await agent().get('/api/things').set('authorization', 'Bearer nonsense');
    expectShape(wrong, 401, 'AuthenticationError');
    expect(wrong.body.message).not.toBe(response.body.message);
    await agent().get('/api/things/open').expect(200, 'open');
  });

  it.each([
    ['text/html', true],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['text/html;q=0.9,application/json', false],
    ['application/json', false],
    ['application/json, text/plain, */*', false],
    ['text/event-stream', false],
    ['image/avif,image/webp,*/*', false],
    ['*/*', false],
  ])('of a GET are pages for who accepts HTML before JSON: %s', async (accept, isPage) => {
    for (const [path, status, error] of [
      ['/api/things', 401, 'AuthenticationError'],
      ['/api/<b>', 404, 'NotFoundError'],
      ['/other', 404, 'NotFoundError'],
    ] as const) {
      const response = await agent().get(path).set({ accept });
      if (!isPage) {
        expectShape(response, status, error);
        expect(response.headers['content-security-policy']).not.toContain('sha256-');
        continue;
      }
      expect([response.status, response.type]).toEqual([status, 'text/html']);
      expect(response.text).toMatch(/^<!doctype html>[^]*<h1>[^<]+<\/h1>/);
      expect(response.text).toContain('<small>' + error);
      expect(response.headers['content-security-policy']).toMatch(
        /^default-src 'none';img-src 'self';style-src 'sha256-[^']+';base-uri 'none';form-action 'none';frame-ancestors 'none'$/,
      );
      expect(response.headers).toMatchObject({ 'cache-control': 'no-store', vary: /accept/i });
    }
    const head = await agent().head('/api/things').set({ accept });
    expect([head.status, head.type === 'text/html']).toEqual([401, isPage]);
    // What changes something is no visit.
    expectShape(await agent().post('/api/things').set({ accept }), 401, 'AuthenticationError');
    // Nothing is a page that is no error.
    await agent().get('/api/things/open').set({ accept }).expect(200, 'open');
  });

  it.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['*/*', false],
    ['application/json', false],
  ])('where people begin there is a page for browsers: %s', async (accept, isBrowser) => {
    for (const path of ['/', '/api', '/api/?from=mail']) {
      const response = await agent().get(path).set({ accept });
      if (!isBrowser) {
        expectShape(response, 404, 'NotFoundError');
        continue;
      }
      expect([response.status, response.type]).toEqual([200, 'text/html']);
      for (const href of ['/api/docs', '/docs/', '/api/healthchecker', '/api/docs-json']) {
        expect(response.text).toContain(`<a href="${href}">`);
      }
      expect(response.headers).toMatchObject({
        ...{ 'cache-control': 'no-store', vary: expect.stringMatching(/accept/i) },
        'content-security-policy': expect.stringMatching(/^default-src 'none';.*sha256-/),
      });
    }
    expectShape(await agent().post('/').set({ accept }), 404, 'NotFoundError');
    const icon = await agent().get('/favicon.ico').set({ accept });
    expect([icon.status, icon.type]).toEqual([200, 'image/svg+xml']);
    expect((await agent().head('/favicon.ico').set({ accept })).status).toBe(200);
  });

  it('the documentation is shown to everybody, and nothing beside it', async () => {
    const first = await agent().get('/docs');
    expect([first.status, first.headers['location']]).toEqual([301, '/docs/']);
    for (const [path, text] of [
      ['/docs/', 'the first minutes'],
      ['/docs/triggers', 'triggers'],
      ['/docs/adr/0001-a', 'decided'],
    ] as const) {
      const page = await agent().get(path);
      expect([page.status, page.type, page.text]).toEqual([200, 'text/html', text]);
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none';.*sha256-/);
    }
    for (const path of [
      '/docs/none',
      '/docs/%2e%2e/secret',
      '/docs/..%2fsecret',
      '/docs/.hidden',
    ]) {
      expectShape(await agent().get(path), 404, 'NotFoundError');
    }
    expectShape(await agent().post('/docs/').send({}), 404, 'NotFoundError');
  });

  it('the API alone is shown where nothing was built', async () => {
    rmSync(docs, { recursive: true });
    const browser = await agent().get('/docs').set({ accept: 'text/html' });
    expect([browser.status, browser.headers['location']]).toEqual([302, '/api/docs']);
    expectShape(await agent().get('/docs'), 404, 'NotFoundError');
    makeDocs();
  });

  it('of a page say what is advised, in the place of what programs are told', async () => {
    const response = await agent().get('/api/things?advice=1').set('accept', 'text/html');
    expect(response.text).toContain('<h1>Advised.</h1>');
    expect(response.text).toContain('<a href="/there">There</a>');
    expect(response.text).not.toContain('Bearer');
    expectShape(await agent().get('/api/things?advice=1'), 401, 'AuthenticationError');
  });

  it('reads no body of somebody unknown', async () => {
    const response = await agent().post('/api/things').type('json').send('{"broken');
    expectShape(response, 401, 'AuthenticationError');
  });

  describe('a body that is the text itself', () => {
    const put = (type: string): request.Test =>
      agent().put('/api/things/text').set(bearer).set('content-type', type);

    it('is what its property is in JSON, every byte of it', async () => {
      const text = '\ufeffname: ü\r\n# ☃\r\n';
      const { body } = await put('text/yaml; charset=UTF-8').send(text).expect(200);
      expect(body).toEqual({ name: text });
      const json = await put('application/json').send({ name: text }).expect(200);
      expect(json.body).toEqual({ name: text });
    });

    it('is refused where it is no text, of another type, compressed, or too large', async () => {
      const broken = await put('text/yaml').send(Buffer.from([0xff, 0x61]));
      expect([broken.status, broken.body.message]).toEqual([400, 'The body is not UTF-8.']);
      await put('text/yaml; charset=latin1').send('a').expect(415);
      await put('text/yaml').set('content-encoding', 'gzip').send('a').expect(415);
      const other = await put('text/plain').send('a').expect(415);
      expect(other.body.details.accepted).toEqual(['application/json', 'text/yaml']);
      await put('text/yaml')
        .send('a'.repeat(10 * 1024 * 1024 + 1))
        .expect(413);
    });

    it('is taken by no route that does not say so, and from nobody unknown', async () => {
      const things = agent().post('/api/things').set(bearer);
      await things.set('content-type', 'text/yaml').send('a').expect(415);
      // Read, it would be refused for what it holds.
      const bytes = Buffer.from([0xff]);
      await put('text/yaml').set('authorization', 'Bearer none').send(bytes).expect(401);
    });
  });

  it('415 for another type, encoding or charset', async () => {
    const post = (): request.Test => agent().post('/api/things').set(bearer);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      const response = await post().set('content-type', type).send('{"name":"a","size":1}');
      expectShape(response, 415, 'UnsupportedMediaTypeError');
      expect(response.body.details.accepted).toEqual(['application/json']);
    }
    const gzip = await post().type('json').set('content-encoding', 'gzip').send('{}');
    expectShape(gzip, 415, 'UnsupportedMediaTypeError');
    const latin = await post().set('content-type', 'application/json; charset=latin1').send('{}');
    expectShape(latin, 415, 'UnsupportedMediaTypeError');
  });

  it('400 for broken JSON, with its place where known and never its text', async () => {
    const post = (text: string): request.Test =>
      agent().post('/api/things').set(bearer).type('json').send(text);
    const response = await post('{"name": "a",\n "password": hunter2}');
    expectShape(response, 400, 'ValidationError');
    expect(JSON.stringify(response.body)).not.toContain('hunter2');
    const multiline = await post('{"name":\n "a\nb"}');
    expectShape(multiline, 400, 'ValidationError');
    expect(multiline.body.details).toEqual({ line: 2, column: 4 });
  });

  it('400 for what is not UTF-8, and for an empty or absent body', async () => {
    const post = (): request.Test => agent().post('/api/things').set(bearer).type('json');
    const bytes = Buffer.from('{"name":"\xff"}', 'latin1');
    expectShape(
      await post()
        .serialize((each: unknown) => each as string)
        .send(bytes),
      400,
      'ValidationError',
    );
    expectShape(await post(), 400, 'ValidationError');
    expectShape(await post().send('null'), 400, 'ValidationError');
    expectShape(await post().send('[]'), 400, 'ValidationError');
    expectShape(await post().send('"text"'), 400, 'ValidationError');
  });

  it('400 with every field that is wrong', async () => {
    const response = await agent()
      .post('/api/things')
      .set(bearer)
      .send({ name: { $ne: null }, other: 1 });
    expectShape(response, 400, 'ValidationError');
    expect(response.body.details).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'name', code: 'isString' }),
        expect.objectContaining({ path: 'size', code: 'isInt' }),
        expect.objectContaining({ path: 'other', code: 'unknown_property' }),
      ]),
    );
  });

  it('400 for bad queries, ids and path encodings', async () => {
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'limit=1&limit=2',
      'nope=1',
      'limit=1.5',
    ]) {
      const response = await agent().get(`/api/things?${query}`).set(bearer);
      expectShape(response, 400, 'ValidationError');
    }
    expectShape(await agent().get('/api/things/not-a-uuid').set(bearer), 400, 'ValidationError');
    expectShape(await agent().get('/api/things/%FF').set(bearer), 400, 'ValidationError');
    const id = '0190F3D6-0000-7000-8000-0000000000AA';
    await agent().get(`/api/things/${id}`).set(bearer).expect(200, { id: id.toLowerCase() });
    await agent().get('/api/things?limit=200').set(bearer).expect(200, { limit: 200 });
  });

  it('413 at once, with a length or without', async () => {
    const body = { name: 'a'.repeat(4096), size: 1 };
    const response = await agent().post('/api/things').set(bearer).send(body);
    expectShape(response, 413, 'PayloadTooLargeError');
    expect(response.body.details).toEqual({ limit_bytes: 2048 });

    const head = `POST /api/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    const announced = await raw(`${head}Content-Length: 100000000\r\n\r\n{`);
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `800\r\n${' '.repeat(2048)}\r\n`;
    const endless = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`);
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
    expect(endless).toMatch(/connection: close/i);
  });

  it('carries Retry-After, and translates libraries', async () => {
    const away = await agent().post('/api/things/fail/kind').set(bearer);
    expectShape(away, 503, 'ServiceUnavailableError');
    expect(away.headers['retry-after']).toBe('3');
    const library = await agent().post('/api/things/fail/library').set(bearer);
    expectShape(library, 502, 'ExternalServiceError');
  });

  it('500 for the unknown: nothing to the client, all to the log, under one id', async () => {
    const response = await agent()
      .post('/api/things/fail/unknown')
      .set(bearer)
      .set('x-request-id', 'client-chose-this');
    expectShape(response, 500, 'InternalError');
    expect(response.headers['x-request-id']).toBe('client-chose-this');
    expect(JSON.stringify(response.body)).not.toMatch(/hunter2|10\.0\.0\.7|dist|at \//);
    const line = lines.find((each) => each['request_id'] === 'client-chose-this');
    expect(line).toMatchObject({
      level: 'error',
      req: { method: 'POST', path: '/api/things/fail/unknown' },
      res: { status: 500 },
      err: { message: expect.stringContaining('hunter2') },
      duration_ms: expect.any(Number),
      actor: 'token',
    });
    expect(JSON.stringify(lines)).not.toContain(token);
  });

  it('cuts an answer that fails half way', async () => {
    await expect(agent().get('/api/things/stream/broken').set(bearer)).rejects.toThrow(
      /aborted|hang up/,
    );
  });

  it('replaces a request id that is not harmless', async () => {
    const response = await agent().get('/api/nothing').set('x-request-id', 'a b"c\'');
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('Host and Origin', () => {
  const page = (headers: Record<string, string>): request.Test =>
    agent().post('/api/things').set(bearer).set(headers).send({ name: 'a', size: 1 });

  it.each([
    ['a rebound name', { host: 'evil.example:8000' }],
    ['a name that begins well', { host: '127.0.0.1.evil.example' }],
    ['another address', { host: '192.168.1.5' }],
    ['no sense', { host: 'a b' }],
    ['a sandboxed page on the right host', { host: 'localhost:8000', origin: 'null' }],
    [
      'a name that only a header of a proxy makes ours',
      { host: 'x.y', 'x-forwarded-host': 'localhost' },
    ],
    ['a foreign page', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['another port of this host', { host: 'localhost:8000', origin: 'http://localhost:9000' }],
    ['a foreign page without Origin', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses %s', async (_name, headers) => {
    expectShape(await page(headers), 403, 'AuthorizationError');
  });

  it.each([
    ['a program', {}],
    ['localhost', { host: 'localhost:8000' }],
    ['IPv6 loopback', { host: '[::1]:8000' }],
    ['its own page', { host: 'localhost:8000', origin: 'http://localhost:8000' }],
    ['its own page behind TLS', { host: 'ui.example.com', origin: 'https://ui.example.com' }],
    ['a page that is allowed', { origin: 'https://ui.example.com' }],
  ])('takes %s', async (_name, headers) => {
    expect((await page(headers)).status).toBe(201);
  });

  it('answers CORS for the pages that are allowed only', async () => {
    const ask = (origin: string): request.Test =>
      agent().options('/api/things').set({
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,content-type,if-match',
      });
    const good = await ask('https://ui.example.com');
    expect(good.status).toBe(204);
    expect(good.headers).toMatchObject({
      'access-control-allow-origin': 'https://ui.example.com',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': expect.stringContaining('PUT'),
      'access-control-allow-headers': expect.stringContaining('If-Match'),
      vary: expect.stringContaining('Origin'),
    });
    const read = await agent()
      .get('/api/things')
      .set({ ...bearer, origin: 'https://ui.example.com' });
    expect(read.headers).toMatchObject({
      'access-control-allow-origin': 'https://ui.example.com',
      'access-control-expose-headers': expect.stringContaining('RateLimit-Remaining'),
    });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://ui.example.com',
      'https://x.ui.example.com',
    ]) {
      const bad = await ask(origin);
      expectShape(bad, 403, 'AuthorizationError');
      const names = Object.keys(bad.headers).filter((name) => name.startsWith('access-control-'));
      expect(names).toEqual([]);
      expect(bad.headers['vary']).toContain('Origin');
    }
    const none = await agent().get('/api/things').set(bearer);
    expect(none.headers['access-control-allow-origin']).toBeUndefined();
    expect(none.headers['vary']).toContain('Origin');
  });

  it('refuses two Host headers: this server and a proxy could each go by another', async () => {
    const answer = await raw(
      'GET /api/things/open HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('sets security headers and does not name the framework', async () => {
    const { headers } = await agent().get('/api/things/open').set('x-forwarded-proto', 'https');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'content-security-policy':
        "default-src 'none';style-src 'unsafe-inline';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    });
    for (const name of ['x-powered-by', 'server', 'strict-transport-security']) {
      expect(headers[name]).toBeUndefined();
    }
  });
});

describe('rate limits', () => {
  let limited: NestExpressApplication;
  let proxied: NestExpressApplication;
  beforeAll(async () => {
    const limits = { RATE_LIMIT: '6', AUTH_FAILURE_LIMIT: '3' };
    limited = await start(limits);
    proxied = await start({ ...limits, TRUST_PROXY: '1' });
  });
  afterAll(async () => {
    await limited.close();
    await proxied.close();
  });
  const get = (app: NestExpressApplication, headers: Record<string, string>): request.Test =>
    request(app.getHttpServer()).get('/api/things').set(headers);
  const statuses = async (
    app: NestExpressApplication,
    headers: (n: number) => Record<string, string>,
  ): Promise<number[]> => {
    const found: number[] = [];
    for (let n = 0; n < 7; n += 1) found.push((await get(app, headers(n))).status);
    return found;
  };

  it('hold whatever the client writes into headers of proxies', async () => {
    lines.length = 0;
    const forged = (n: number): Record<string, string> => ({
      'x-forwarded-for': `198.51.100.${n}`,
      forwarded: `for=198.51.100.${n}`,
      'x-real-ip': `198.51.100.${n}`,
      'x-forwarded-proto': 'https',
    });
    expect(await statuses(limited, forged)).toEqual([401, 401, 401, 429, 429, 429, 429]);
    const refused = await get(limited, bearer);
    expectShape(refused, 429, 'RateLimitError');
    expect(refused.headers).toMatchObject({
      'ratelimit-limit': '6',
      'ratelimit-remaining': '0',
      'ratelimit-policy': '6;w=60',
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
    });
    expect(refused.body.details).toEqual({ limit: 6, window_seconds: 60 });
    const told = lines.filter(({ msg }) => /too many requests/.test(String(msg)));
    expect(told.map(({ client, limit }) => [client, limit])).toEqual([
      ['127.0.0.1', 3],
      ['127.0.0.1', 6],
    ]);
  });

  it('count by what the proxy saw, not by what stands left of it', async () => {
    const forged = (n: number): Record<string, string> => ({
      ...bearer,
      'x-forwarded-for': `203.0.113.${n}, 198.51.100.7`,
    });
    expect(await statuses(proxied, forged)).toEqual([200, 200, 200, 200, 200, 200, 429]);
    const other = await get(proxied, { ...bearer, 'x-forwarded-for': '198.51.100.8' });
    expect(other.status).toBe(200);
    expect(other.headers['ratelimit-remaining']).toBe('5');
  });

  it('count IPv6 clients by their /64', async () => {
    const spread = (n: number): Record<string, string> => ({
      ...bearer,
      'x-forwarded-for': `2001:db8:1:2:${n}::1`,
    });
    expect((await statuses(proxied, spread)).at(-1)).toBe(429);
    const neighbour = await get(proxied, { ...bearer, 'x-forwarded-for': '2001:db8:1:3::1' });
    expect(neighbour.status).toBe(200);
  });

  it('count requests without a good token apart, and never keep a good one out by them', async () => {
    const from = { 'x-forwarded-for': '198.51.100.20' };
    const wrong = { ...from, authorization: 'Bearer wrong' };
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await get(proxied, headers)).status;
    expect([await ask(from), await ask(wrong), await ask(from)]).toEqual([401, 401, 401]);
    const refused = await get(proxied, wrong);
    expectShape(refused, 429, 'RateLimitError');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await ask({ ...from, ...bearer })).toBe(200);
  });

  it('do not hold for probes, documentation and event streams', async () => {
    const from = { 'x-forwarded-for': '198.51.100.30' };
    for (const path of ['/api/health/live', '/api/docs', '/api/ci/executions/x/events']) {
      for (let n = 0; n < 8; n += 1) {
        const { status } = await request(proxied.getHttpServer()).get(path).set(from);
        expect(status).toBe(404);
      }
    }
  });

  it('know TLS from the proxy: HSTS', async () => {
    const tls = await get(proxied, { 'x-forwarded-proto': 'https' });
    expect(tls.headers['strict-transport-security']).toBe('max-age=15552000');
    const plain = await get(proxied, { 'x-forwarded-proto': 'http' });
    expect(plain.headers['strict-transport-security']).toBeUndefined();
  });
});

describe('Host on every interface', () => {
  let open: NestExpressApplication;
  beforeAll(async () => {
    open = await start({ HOST: '0.0.0.0', ALLOWED_HOSTS: 'ci.example.com' });
  });
  afterAll(() => open.close());

  it.each([
    ['10.1.2.3:8000', 200],
    ['api:8000', 200],
    ['ci.example.com', 200],
    ['CI.example.com.', 200],
    ['other.example.com', 403],
  ])('%s: %i', async (host, status) => {
    const response = await request(open.getHttpServer()).get('/api/things/open').set({ host });
    expect(response.status).toBe(status);
  });
});

describe('without log-in', () => {
  let open: NestExpressApplication;
  beforeAll(async () => {
    open = await start({ AUTH_MODE: 'none' });
  });
  afterAll(() => open.close());

  const post = (headers: Record<string, string>): request.Test =>
    request(open.getHttpServer())
      .post('/api/things')
      .set({ 'content-type': 'application/json', ...headers })
      .send('{"name":"a","size":1}');

  it('lets programs of this machine in, and names them in the log', async () => {
    lines.length = 0;
    expect((await post({})).status).toBe(201);
    expect(lines.at(-1)).toMatchObject({ actor: 'anonymous' });
  });

  it.each([
    ['a foreign page', { origin: 'https://evil.example' }],
    ['a rebound name', { host: 'evil.example' }],
    ['a page that hides its origin', { 'sec-fetch-site': 'cross-site' }],
    ['a form', { 'content-type': 'text/plain' }],
  ])('keeps %s out', async (_name, headers) => {
    expect([403, 415]).toContain((await post(headers)).status);
  });
});
