import type { NestExpressApplication } from '@nestjs/platform-express';
import mongoose from 'mongoose';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { testServices } from '../../../test/support/services.js';
import { createApiApp } from '../../app/api-app.js';
import { principalOf } from '../../auth/principals/principal.js';
import { createRootLogger } from '../../common/logging/root-logger.js';
import { parseConfig } from '../../config/load-config.js';
import type { PipelineVersionDocument } from '../versions/pipeline-version.schema.js';
import { PlansRepository } from '../versions/plans.repository.js';
import { PlansService } from '../versions/plans.service.js';
import { PipelinesService } from './pipelines.service.js';

const token = 'a-token-of-a-fair-length';
const principal = principalOf({ id: 'token', kind: 'token', role: 'admin' });
let home: string;
let app: NestExpressApplication;
let service: PipelinesService;
let database: mongoose.Connection;

beforeAll(async () => {
  const services = testServices();
  home = mkdtempSync(join(tmpdir(), 'millrace-api-'));
  const result = parseConfig({
    MONGODB_URI: services.mongodbUri,
    MONGODB_DATABASE: services.databaseName,
    REDIS_URL: services.redisUrl,
    MILLRACE_HOME: home,
    MILLRACE_TOKEN: token,
  });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  const logger = createRootLogger({ level: 'silent', role: 'test' });
  app = await createApiApp('api', result.config, logger);
  await app.listen(0, '127.0.0.1');
  service = app.get(PipelinesService);
  database = await mongoose
    .createConnection(services.mongodbUri, { dbName: services.databaseName })
    .asPromise();
  while ((await get('/api/health/ready')).status !== 200) {
    // The connection is made behind the start.
  }
});
afterAll(async () => {
  await database.dropDatabase();
  await database.close();
  await app.close();
  rmSync(home, { recursive: true });
});

const call = (method: 'get' | 'post' | 'put' | 'delete', path: string): request.Test =>
  request(app.getHttpServer())[method](path).set('authorization', `Bearer ${token}`);
const get = (path: string): request.Test => call('get', path);
const post = (yaml_content: string): request.Test =>
  call('post', '/api/ci/pipelines').send({ yaml_content });

const yaml = (name: string, command = 'true'): string =>
  `# kept as it is:\r\nname: ${name}\ndescription: "ünï"\nsteps:\n  - run: ${command}   \n`;

function rawBytes(response: unknown, done: (error: Error | null, body: Buffer) => void): void {
  const parts: Buffer[] = [];
  const stream = response as NodeJS.ReadableStream;
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('end', () => done(null, Buffer.concat(parts)));
}

function idsOf(items: { id: string }[]): string[] {
  return items.map((each) => each.id);
}

async function create(name: string): Promise<string> {
  const response = await post(yaml(name)).expect(201);
  return response.body.id as string;
}

describe('create', () => {
  it('answers 201 with the pipeline and where it is', async () => {
    const response = await post(yaml('first')).expect(201);
    expect(response.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      name: 'first',
      description: 'ünï',
      enabled: true,
      version: 1,
      created_at: expect.any(String),
      updated_at: response.body.created_at,
      warnings: [],
    });
    expect(response.headers['location']).toBe(`/api/ci/pipelines/${response.body.id}`);
    const whole = await get(response.headers['location'] as string).expect(200);
    expect(whole.body).toMatchObject({
      id: response.body.id,
      name: 'first',
      environment: {},
      triggers: expect.any(Array),
      stages: [{ name: 'main', steps: [{ step_type: 'shell' }] }],
      timeout: 3600,
      retry_count: 0,
      yaml_content: yaml('first'),
    });
    expect(whole.body).not.toHaveProperty('_id');
    expect(whole.headers['etag']).toBe('"1"');
  });

  it('takes the form of the seed', async () => {
    const seed = `name: seed
description: as the seed has it
triggers:
  - trigger_type: manual
stages:
  - name: build
    steps:
      - name: compile
        step_type: shell
        config: { command: echo built }
        continue_on_error: false
environment: { A: b }
timeout: 60
retry_count: 1
`;
    const { body } = await post(seed).expect(201);
    const whole = await get(`/api/ci/pipelines/${body.id}`).expect(200);
    expect(whole.body).toMatchObject({ timeout: 60, retry_count: 1, environment: { A: 'b' } });
  });

  it.each(['application/yaml', 'text/yaml'])('takes the YAML itself as %s', async (type) => {
    const text = `\ufeff${yaml('itself')}# ☃\n`;
    const send = (method: 'post' | 'put', path: string): request.Test =>
      call(method, path).set('content-type', type).send(text);
    const valid = { valid: true, name: 'itself', problems: [] };
    await send('post', '/api/ci/pipelines/validate').expect(200, valid);
    await send('post', '/api/ci/pipelines/plan').expect(200);
    const key = `itself-${type}`;
    const { body } = await send('post', '/api/ci/pipelines')
      .set('idempotency-key', key)
      .expect(201);
    const again = await send('post', '/api/ci/pipelines').set('idempotency-key', key).expect(201);
    expect(again.body.id).toBe(body.id);
    const back = await get(`/api/ci/pipelines/${body.id}`).expect(200);
    expect(back.body.yaml_content).toBe(text);
    const replaced = await send('put', `/api/ci/pipelines/${body.id}`).expect(200);
    expect(replaced.body.version).toBe(1);
    const broken = call('post', '/api/ci/pipelines').set('content-type', type).send('name: [');
    await broken.expect(400);
  });

  it('gives the text back byte for byte', async () => {
    for (const text of [`\ufeff${yaml('bom')}`, yaml('emoji ☃ 🚀'), `${yaml('tail')}\n\n# end`]) {
      const { body } = await post(text).expect(201);
      const back = await get(`/api/ci/pipelines/${body.id}/yaml`)
        .buffer(true)
        .parse(rawBytes)
        .expect(200);
      expect(back.headers['content-type']).toBe('text/yaml; charset=utf-8');
      expect(back.body).toEqual(Buffer.from(text, 'utf8'));
    }
  });

  it('shows credentials of its URLs to those alone who may write it', async () => {
    const text = `repository: https://ci:s3cret-token@git.test/a.git\n${yaml('masked')}`;
    const { body } = await post(text).expect(201);
    const account = await call('post', '/api/service-accounts').send({ name: 'reader' });
    const tokens = `/api/service-accounts/${account.body.id}/tokens`;
    const made = await call('post', tokens).send({ name: 'a', scopes: ['pipelines:read'] });
    for (const path of ['', '/yaml', '/versions/1']) {
      const whole = await get(`/api/ci/pipelines/${body.id}${path}`).expect(200);
      expect(whole.text).toContain('s3cret-token');
      const masked = await request(app.getHttpServer())
        .get(`/api/ci/pipelines/${body.id}${path}`)
        .set('authorization', `Bearer ${made.body.token}`)
        .expect(200);
      expect(masked.text).not.toContain('s3cret-token');
      expect(masked.text).toContain('# Credentials in URLs are masked');
    }
  });

  it('uploads a file as it is', async () => {
    const bytes = Buffer.from(`\ufeff${yaml('uploaded')}`);
    const response = await call('post', '/api/ci/pipelines/upload')
      .attach('file', bytes, 'pipeline.yml')
      .expect(201);
    const stored = await service.getPipeline(response.body.id as string);
    expect(Buffer.from(stored.yaml_content)).toEqual(bytes);
  });

  it('tells all problems at once, and stores nothing', async () => {
    const before = await database.collection('pipeline_versions').countDocuments();
    const response = await post(
      'name: bad\nstages:\n  - name: s\n    steps:\n      - runn: a\n      - rum: b\n',
    );
    expect(response.status).toBe(400);
    expect(response.body.error).toBe('ValidationError');
    expect(response.body.details.length).toBeGreaterThanOrEqual(2);
    for (const problem of response.body.details) {
      expect(problem).toMatchObject({
        path: expect.any(String),
        line: expect.any(Number),
        column: expect.any(Number),
        severity: expect.stringMatching(/error|warning/),
        code: expect.any(String),
        message: expect.any(String),
      });
    }
    expect(JSON.stringify(response.body.suggestions)).toMatch(/Line 5/);
    expect(await database.collection('pipeline_versions').countDocuments()).toBe(before);
  });

  it('refuses what is too large or no text', async () => {
    const large = await post(`# ${'x'.repeat(1024 * 1024)}`);
    expect([large.status, large.body.error]).toEqual([422, 'UnprocessableError']);
    const huge = await post('x'.repeat(10 * 1024 * 1024));
    expect([huge.status, huge.body.error]).toEqual([413, 'PayloadTooLargeError']);
    const half = await call('post', '/api/ci/pipelines')
      .type('json')
      .send('{"yaml_content":"name: \\ud800"}');
    expect(half.status).toBe(400);
    const nul = await post('name: "a\u0000b"\nsteps: [true]\n');
    expect(nul.status).toBe(400);
  });

  it('reads large YAML in a child process', async () => {
    const comment = `# ${'x'.repeat(100)}\n`.repeat(1000);
    await post(comment + yaml('large')).expect(201);
  });
});

describe('list', () => {
  it('is a bare array without paging, pages with it, newest first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.unshift(await create(`list ${i}`));

    const bare = await get('/api/ci/pipelines').expect(200);
    expect(bare.body).toBeInstanceOf(Array);
    expect(idsOf(bare.body).slice(0, 5)).toEqual(ids);
    expect(Object.keys(bare.body[0])).toEqual([
      'id',
      'name',
      'description',
      'enabled',
      'version',
      'created_at',
      'updated_at',
    ]);

    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page: request.Response = await get(`/api/ci/pipelines?limit=2${query}`).expect(200);
      expect(page.body.items.length).toBeLessThanOrEqual(2);
      seen.push(...idsOf(page.body.items));
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    expect(seen.slice(0, 5)).toEqual(ids);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(await database.collection('pipelines').countDocuments());
  });

  it('links the next page from the bare array', async () => {
    const rows = Array.from({ length: 51 }, (_each, i) =>
      service.create(yaml(`many ${i}`), principal),
    );
    await Promise.all(rows);
    const bare = await get('/api/ci/pipelines').expect(200);
    expect(bare.body).toHaveLength(50);
    const link = /^<(\/api\/ci\/pipelines\?[^>]+)>; rel="next"$/.exec(bare.headers['link'] ?? '');
    const next = await get(link?.[1] ?? '').expect(200);
    expect(next.body.items[0].id < bare.body[49].id).toBe(true);
  });

  it('refuses a cursor that is none', async () => {
    for (const cursor of ['x', 'MTo', '$ne', '%7B%7D']) {
      await get(`/api/ci/pipelines?cursor=${cursor}`).expect(400);
    }
    const { body } = await get('/api/ci/pipelines?limit=1');
    const id = body.items[0].id as string;
    await get(`/api/ci/pipelines/${id}/versions?cursor=${body.next_cursor}`).expect(400);
  });
});

describe('versions', () => {
  it('a new text is a new version, the old one stays', async () => {
    const id = await create('versioned');
    const replaced = await call('put', `/api/ci/pipelines/${id}`)
      .send({ yaml_content: yaml('renamed', 'false') })
      .expect(200);
    expect(replaced.body).toMatchObject({ id, name: 'renamed', version: 2 });
    const again = await call('put', `/api/ci/pipelines/${id}`)
      .send({ yaml_content: yaml('renamed', 'false') })
      .expect(200);
    expect(again.body.version).toBe(2);

    const list = await get(`/api/ci/pipelines/${id}/versions`).expect(200);
    expect((list.body.items as { version: number }[]).map((each) => each.version)).toEqual([2, 1]);
    expect(list.body.next_cursor).toBeNull();
    const one = await get(`/api/ci/pipelines/${id}/versions/1`).expect(200);
    expect(one.body).toMatchObject({
      version: 1,
      name: 'versioned',
      yaml_content: yaml('versioned'),
      created_by: 'token',
    });
    const paged = await get(`/api/ci/pipelines/${id}/versions?limit=1`).expect(200);
    const rest = await get(
      `/api/ci/pipelines/${id}/versions?limit=1&cursor=${paged.body.next_cursor}`,
    ).expect(200);
    expect(rest.body.items[0].version).toBe(1);
    await get(`/api/ci/pipelines/${id}/versions/3`).expect(404);
    await get(`/api/ci/pipelines/${id}/versions/0`).expect(400);
    await get(`/api/ci/pipelines/${id}/versions/x`).expect(400);
  });

  it('a description that is gone is gone', async () => {
    const id = await create('described');
    await call('put', `/api/ci/pipelines/${id}`)
      .send({ yaml_content: 'name: described\nsteps: [true]\n' })
      .expect(200);
    const { body } = await get(`/api/ci/pipelines/${id}`);
    expect(body.description).toBeNull();
  });

  it('If-Match guards against lost updates', async () => {
    const id = await create('guarded');
    const put = (tag: string, command: string): request.Test =>
      call('put', `/api/ci/pipelines/${id}`)
        .set('if-match', tag)
        .send({ yaml_content: yaml('guarded', command) });
    expect((await put('"1"', 'a').expect(200)).headers['etag']).toBe('"2"');
    const stale = await put('"1"', 'b').expect(409);
    expect(stale.body).toMatchObject({ error: 'ConflictError', details: { version: 2 } });
    await put('*', 'c').expect(200);
    await put('nonsense', 'd').expect(400);
  });

  it('ten writers at once make ten versions', async () => {
    const id = await create('raced');
    const writers = Array.from({ length: 10 }, (_each, i) =>
      service.replace(id, yaml('raced', `echo ${i}`), principal, undefined),
    );
    const saved = await Promise.all(writers);
    expect(saved).toHaveLength(10);
    const { items } = await service.listVersions(id, { limit: 50 });
    expect(items.map((each) => each.number)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const texts = await Promise.all(
      items.map(async (each) => (await service.getVersionDocument(id, each.number)).yaml_content),
    );
    expect(new Set(texts).size).toBe(11);
    const current = await service.getPipeline(id);
    expect([current.version, current.yaml_content]).toEqual([11, texts[0]]);
  });

  it('what a crash left between version and pipeline is not seen, and does not stand in the way', async () => {
    const id = await create('crashed');
    const first = await service.getVersionDocument(id, 1);
    await database.collection<PipelineVersionDocument>('pipeline_versions').insertOne({
      ...first,
      _id: `${id}:2`,
      number: 2,
      yaml_content: yaml('half'),
    });
    expect((await service.listVersions(id, { limit: 50 })).items).toHaveLength(1);
    await get(`/api/ci/pipelines/${id}/versions/2`).expect(404);
    const { value: next } = await service.replace(id, yaml('after'), principal, undefined);
    expect(next.pipeline.version).toBe(3);
    expect((await service.getPipeline(id)).yaml_content).toBe(yaml('after'));
  });

  it('gives executions all that they need', async () => {
    const text = `name: inputs
triggers:
  - manual: { inputs: { target: { type: choice, options: [a, b], default: a } } }
steps: [true]
`;
    const { pipeline } = await service.create(text, principal);
    const version = await service.getVersion(pipeline._id);
    expect(version).toMatchObject({
      pipelineId: pipeline._id,
      pipelineName: 'inputs',
      number: 1,
      plan: { format: 1, name: 'inputs' },
      definition: { inputs: [{ name: 'target', type: 'choice', default: 'a' }] },
    });
    const stored = await database
      .collection<{ _id: string; plan: string }>('plans')
      .findOne({ _id: version.planHash });
    expect(stored?.plan).toMatch(/^v1\./);
    // Another process, which has no plan in its cache.
    const plans = new PlansService(app.get(PlansRepository));
    expect(await plans.get(version.planHash)).toEqual(version.plan);
  });

  it('equal plans are stored once', async () => {
    const [one, two] = [await create('same'), await create('same')];
    const hash = (await service.getVersion(one)).planHash;
    expect((await service.getVersion(two)).planHash).toBe(hash);
    expect(await database.collection<{ _id: string }>('plans').countDocuments({ _id: hash })).toBe(
      1,
    );
  });
});

describe('delete', () => {
  it('takes the pipeline away, and leaves its plan to its executions', async () => {
    const id = await create('deleted');
    const { planHash } = await service.getVersion(id);
    await call('delete', `/api/ci/pipelines/${id}`).expect(204);
    for (const path of ['', '/yaml', '/versions', '/versions/1']) {
      await get(`/api/ci/pipelines/${id}${path}`).expect(404);
    }
    await call('delete', `/api/ci/pipelines/${id}`).expect(404);
    await call('put', `/api/ci/pipelines/${id}`)
      .send({ yaml_content: yaml('x') })
      .expect(404);
    expect((await app.get(PlansService).get(planHash)).name).toBe('deleted');
  });
});

describe('validate', () => {
  it('tells problems and stores nothing', async () => {
    const before = await database.collection('pipelines').countDocuments();
    const check = (yaml_content: string): request.Test =>
      call('post', '/api/ci/pipelines/validate').send({ yaml_content });
    expect((await check(yaml('fine')).expect(200)).body).toEqual({
      valid: true,
      name: 'fine',
      problems: [],
    });
    expect((await check(yaml('bare', 'npm ci')).expect(200)).body.problems).toMatchObject([
      { severity: 'warning', code: 'no_repository' },
    ]);
    const bad = await check('name: x\n').expect(200);
    expect(bad.body).toMatchObject({ valid: false, name: null });
    expect(bad.body.problems.length).toBeGreaterThan(0);
    expect(await database.collection('pipelines').countDocuments()).toBe(before);
  });
});

describe('the head of a pipeline', () => {
  // A trigger reads it alone, however long the YAML is.
  it('holds none of its texts, sealed or in clear as older releases have stored them', async () => {
    const id = await create('head');
    const texts = { yaml_content: yaml('head'), stages: [], environment: [] };
    const stored = database.collection<{ _id: string }>('pipelines');
    await stored.updateOne({ _id: id }, { $set: texts });
    expect(await stored.findOne({ _id: id })).toHaveProperty('sealed');
    const head = await service.getHead(id);
    expect(head).toMatchObject({ _id: id, name: 'head', enabled: true, version: 1 });
    for (const name of ['sealed', ...Object.keys(texts)]) expect(head).not.toHaveProperty(name);
  });
});

describe('the rest of the API', () => {
  it('is closed without the token, but for health and documentation', async () => {
    const open = request(app.getHttpServer());
    for (const path of [
      '/api/healthchecker',
      '/api/health/live',
      '/api/health/ready',
      '/api/docs-json',
    ]) {
      await open.get(path).expect(200);
    }
    await open.get('/api/docs').expect(200).expect('content-type', /html/);
    for (const path of ['/api/ci/pipelines', '/api/ci/pipelines/x/yaml']) {
      await open.get(path).expect(401);
    }
    await open
      .post('/api/ci/pipelines')
      .send({ yaml_content: yaml('x') })
      .expect(401);
    await open
      .post('/api/ci/pipelines/upload')
      .attach('file', Buffer.from('a'), 'a.yml')
      .expect(401);
  });

  it('tells its health truly', async () => {
    const { body } = await get('/api/healthchecker').expect(200);
    expect(body).toMatchObject({
      status: expect.stringMatching(/ok|degraded/),
      message: expect.any(String),
      version: expect.stringMatching(/^\d/),
      checks: {
        database: { status: 'up' },
        redis: { status: 'up' },
        disk: { data: { free_bytes: expect.any(Number) } },
        memory: { status: expect.any(String) },
      },
    });
  });
});
