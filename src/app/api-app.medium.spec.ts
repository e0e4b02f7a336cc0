import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { createRootLogger } from '../common/logging/root-logger.js';
import { parseConfig } from '../config/load-config.js';
import { createApiApp } from './api-app.js';
import { openApiDocument } from './open-api.js';

const ID = '0190f3d6-0000-7000-8000-000000000000';
const token = 'a-token-of-a-fair-length';
/** Takes connections and never says anything: a store that hangs. */
let hung: Server;
let home: string;
let app: NestExpressApplication;

beforeAll(async () => {
  hung = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
  const { port } = hung.address() as AddressInfo;
  home = mkdtempSync(join(tmpdir(), 'millrace-away-'));
  const result = parseConfig({
    // Nothing listens on port 1.
    MONGODB_URI: 'mongodb://user:hunter2@127.0.0.1:1/',
    REDIS_URL: `redis://:hunter2@127.0.0.1:${port}`,
    MILLRACE_HOME: home,
    MILLRACE_TOKEN: token,
  });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  app = await createApiApp(
    'api',
    result.config,
    createRootLogger({ level: 'silent', role: 'test' }),
  );
  await app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  hung.close();
  rmSync(home, { recursive: true });
});

describe('the API without its stores', () => {
  it('shows a browser without a token which command shows the same', async () => {
    const path = `/api/ci/executions/${ID}`;
    const { status, text } = await request(app.getHttpServer())
      .get(path)
      .set('accept', 'text/html');
    expect(status).toBe(401);
    expect(text).toContain(`<code>./millrace status ${ID}</code>`);
    expect(text).not.toContain('/api/sessions/oauth');
    await request(app.getHttpServer()).get(path).expect(401).expect('content-type', /json/);
  });

  it('leads a browser from its first page to what there is', async () => {
    const { text } = await request(app.getHttpServer()).get('/').set('accept', 'text/html');
    const links = [...text.matchAll(/<a href="([^"]+)"/g)].map(([, href = '']) => href);
    expect(links.length).toBeGreaterThan(2);
    for (const href of links) {
      const { status } = await request(app.getHttpServer()).get(href).redirects(1);
      expect([href, status]).not.toEqual([href, 404]);
    }
  });

  it('starts, is alive, and says what is down in bounded time', async () => {
    await request(app.getHttpServer()).get('/api/health/live').expect(200, { status: 'ok' });
    const start = performance.now();
    const { body, status } = await request(app.getHttpServer()).get('/api/healthchecker');
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'down',
      checks: {
        database: { status: 'down' },
        redis: { status: 'down' },
        disk: { status: expect.any(String) },
      },
    });
    await request(app.getHttpServer()).get('/api/health/ready').expect(503);
    expect(JSON.stringify(body)).not.toMatch(/hunter2|127\.0\.0\.1|ECONN/);
  });

  it('refuses by 503 with Retry-After and without the words of the driver', async () => {
    const agent = request(app.getHttpServer());
    const requests = [
      agent.get('/api/ci/pipelines'),
      agent.post('/api/ci/pipelines').send({ yaml_content: 'name: a\nsteps: [true]\n' }),
      agent.get(`/api/ci/pipelines/${ID}`),
    ];
    const answers = await Promise.all(
      requests.map((each) => each.set('authorization', `Bearer ${token}`)),
    );
    for (const { status, body, headers } of answers) {
      expect(status).toBe(503);
      expect(headers['retry-after']).toBe('5');
      expect(body.error).toBe('ServiceUnavailableError');
      expect(JSON.stringify(body)).not.toMatch(/hunter2|127\.0\.0\.1|ECONN|mongo|buffer/i);
    }
  });

  it('still tells what is wrong with a request', async () => {
    const { status, body } = await request(app.getHttpServer())
      .post('/api/ci/pipelines')
      .set('authorization', `Bearer ${token}`)
      .send({ yaml_content: 'nam: a' });
    expect([status, body.error]).toEqual([400, 'ValidationError']);
  });

  it('tells a path that does not exist from a method that it does not take', async () => {
    const agent = request(app.getHttpServer());
    for (const path of ['/api/nothing', '/api', '/', '/api/ci', '/api/ci/pipelines/x/y/z']) {
      expect((await agent.get(path)).body.error).toBe('NotFoundError');
    }
    const { status, headers } = await agent.patch('/api/ci/pipelines');
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
    const docs = await agent.post('/api/docs-json');
    expect([docs.status, docs.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect((await agent.get('/api/docs/nothing')).status).toBe(404);
  });

  it('names the methods of every documented path to one that it does not take', async () => {
    const paths = Object.entries(openApiDocument(app).paths);
    const answers = paths.map(async ([path]) => {
      const { status, headers } = await request(app.getHttpServer()).lock(
        path.replace(/\{\w+\}/g, ID),
      );
      return [path, status, headers['allow']];
    });
    const expected = paths.map(([path, item]) => {
      const methods = Object.keys(item).map((method) => method.toUpperCase());
      const all = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
      return [path, 405, all.sort().join(', ')];
    });
    expect(await Promise.all(answers)).toEqual(expected);
  });

  it('serves its documentation under its own security policy', async () => {
    const { text, headers } = await request(app.getHttpServer()).get('/api/docs').expect(200);
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    for (const [, attributes, body] of text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)) {
      expect(body?.trim()).toBe('');
      const source = /src=["']\.\/([^"']+)/.exec(attributes ?? '')?.[1] ?? '';
      await request(app.getHttpServer()).get(`/api/${source}`).expect(200);
    }
  });

  it('answers what is no HTTP in the one shape', async () => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('NOT HTTP AT ALL\r\n\r\n'));
      let text = '';
      socket.on('data', (part: Buffer) => (text += part.toString()));
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      error: 'ValidationError',
      suggestions: [expect.any(String)],
    });
  });
});
