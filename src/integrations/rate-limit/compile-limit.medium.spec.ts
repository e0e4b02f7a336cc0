import type { Response } from 'supertest';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { OpenWhenAwayStorage } from './open-when-away.storage.js';

jest.setTimeout(60_000);

const yaml = 'name: a\nsteps: [{ run: date }]\n';

describe('the limit of compilations', () => {
  let apis: ApiUnderTest[];

  beforeAll(async () => {
    const environment = { COMPILE_LIMIT: '3', TRUST_PROXY: '1' };
    apis = await Promise.all([ApiUnderTest.start(environment), ApiUnderTest.start(environment)]);
  });
  afterAll(() => Promise.all(apis.map((api) => api.stop())));

  const ask = (path: string, client: string, api = 0): Promise<Response> =>
    Promise.resolve(
      (apis[api] as ApiUnderTest)
        .call('post', `/api/ci/pipelines${path}`)
        .set('x-forwarded-for', client)
        .send({ yaml_content: yaml }),
    );

  it('counts one client over all routes that compile, and over all API processes', async () => {
    const client = '203.0.113.7';
    expect((await ask('/validate', client)).status).toBe(200);
    expect((await ask('', client)).status).toBe(201);
    expect((await ask('/validate', client, 1)).status).toBe(200);
    const refused = await ask('/validate', client, 1);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      error: 'RateLimitError',
      details: { limit: 3, window_seconds: 60 },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('', client)).status).toBe(429);
    // Everything else goes on, and so do others.
    const list = await (apis[0] as ApiUnderTest)
      .call('get', '/api/ci/pipelines')
      .set('x-forwarded-for', client);
    expect(list.status).toBe(200);
    expect((await ask('/validate', '203.0.113.8')).status).toBe(200);
  });

  it('lets everybody pass while the counts cannot be reached', async () => {
    const broken = { increment: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    const storage = new OpenWhenAwayStorage(broken);
    for (let i = 0; i < 5; i++) {
      const count = await storage.increment('key', 60_000, 1, 60_000, 'compile');
      expect(count.isBlocked).toBe(false);
    }
  });
});
