import type { Response } from 'supertest';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { eventually } from '../../../test/support/eventually.js';

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
    // The processes tell each other within 50 ms; until then one of them may let another one pass.
    const refusedBy = (path: string, api: number): Promise<Response> =>
      eventually(async () => {
        const answer = await ask(path, client, api);
        return answer.status === 429 ? answer : undefined;
      });
    const refused = await refusedBy('/validate', 1);
    expect(refused.body).toMatchObject({
      error: 'RateLimitError',
      details: { limit: 3, window_seconds: 60 },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await refusedBy('', 0);
    // Everything else continues, and so do others.
    const list = await (apis[0] as ApiUnderTest)
      .call('get', '/api/ci/pipelines')
      .set('x-forwarded-for', client);
    expect(list.status).toBe(200);
    expect((await ask('/validate', '203.0.113.8')).status).toBe(200);
  });
});
