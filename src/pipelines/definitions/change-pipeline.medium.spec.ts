import type request from 'supertest';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { principalOf } from '../../auth/principals/principal.js';
import { PipelinesService } from './pipelines.service.js';

const principal = principalOf({ id: 'token', kind: 'token', role: 'admin' });
const yaml = (command = 'true'): string =>
  `name: changed\ndescription: of the YAML\nsteps:\n  - run: ${command}\n`;

describe('PATCH of a pipeline', () => {
  let api: ApiUnderTest;
  let id: string;
  const path = (): string => `/api/ci/pipelines/${id}`;
  const patch = (body: object, tag?: string): request.Test => {
    const sent = api.call('patch', path()).send(body);
    return tag === undefined ? sent : sent.set('if-match', tag);
  };
  const put = (command: string, tag?: string): request.Test => {
    const sent = api.call('put', path()).send({ yaml_content: yaml(command) });
    return tag === undefined ? sent : sent.set('if-match', tag);
  };
  const read = (): request.Test => api.call('get', path()).expect(200);

  beforeAll(async () => {
    api = await ApiUnderTest.start();
  });
  afterAll(() => api.stop());
  beforeEach(async () => {
    id = await api.createPipeline(yaml());
  });

  it('changes what was sent, makes no version, and has a tag of its own', async () => {
    const before = await read();
    expect(before.body).toMatchObject({ enabled: true, description: 'of the YAML' });
    expect(before.headers['etag']).toBe('"1"');
    const changed = await patch({ enabled: false }).expect(200);
    expect(changed.headers['etag']).toBe('"1.1"');
    expect(changed.body).toMatchObject({
      id,
      version: 1,
      enabled: false,
      description: 'of the YAML',
    });
    expect(Date.parse(changed.body.updated_at as string)).toBeGreaterThanOrEqual(
      Date.parse(before.body.updated_at as string),
    );
    const after = await read();
    expect(after.headers['etag']).toBe('"1.1"');
    expect(after.body).toMatchObject({ enabled: false, version: 1, yaml_content: yaml() });
    const list = await api.call('get', '/api/ci/pipelines').expect(200);
    expect(list.body).toContainEqual(expect.objectContaining({ id, enabled: false }));
    const versions = await api.call('get', `${path()}/versions`).expect(200);
    expect(versions.body.items).toHaveLength(1);
  });

  it('what is as it was changes nothing', async () => {
    const same = await patch({ enabled: true, description: null }).expect(200);
    expect(same.headers['etag']).toBe('"1"');
    expect((await read()).body.updated_at).toBe(same.body.updated_at);
  });

  it('its description stands over later versions until it is taken away', async () => {
    await patch({ description: 'by hand' }).expect(200);
    const saved = await put('a').expect(200);
    expect(saved.body).toMatchObject({ version: 2, description: 'by hand', enabled: true });
    expect(saved.headers['etag']).toBe('"2.1"');
    expect((await patch({ description: '' }).expect(200)).body.description).toBe('');
    const back = await patch({ description: null }).expect(200);
    expect(back.body.description).toBe('of the YAML');
    expect(back.headers['etag']).toBe('"2.3"');
  });

  it('If-Match catches lost updates of PATCH and PUT alike', async () => {
    expect((await patch({ enabled: false }, '"1"').expect(200)).headers['etag']).toBe('"1.1"');
    const stale = await patch({ enabled: true }, '"1"').expect(409);
    expect(stale.body).toMatchObject({ error: 'ConflictError', details: { etag: '"1.1"' } });
    await put('a', '"1"').expect(409);
    await put('a', '"1.1"').expect(200);
    await patch({ description: 'late' }, '"1.1"').expect(409);
    await patch({ description: 'in time' }, 'W/"2.1"').expect(200);
    await patch({ description: 'any' }, '*').expect(200);
    await patch({ description: 'x' }, '"abc"').expect(400);
    expect((await read()).body).toMatchObject({ enabled: false, description: 'any', version: 2 });
  });

  it('of many at once with one tag, one wins; without a tag none is lost', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_each, i) => patch({ description: `${i}` }, '"1"')),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
    const service = api.app.get(PipelinesService);
    await Promise.all([
      ...Array.from({ length: 4 }, (_each, i) =>
        service.change(id, { description: `again ${i}` }, undefined),
      ),
      service.change(id, { enabled: false }, undefined),
      service.replace(id, yaml('b'), principal, undefined),
    ]);
    const { body, headers } = await read();
    expect(body).toMatchObject({
      enabled: false,
      version: 2,
      description: expect.stringMatching(/^again/),
    });
    expect(headers['etag']).toBe('"2.6"');
  });

  it.each([
    [{}],
    [{ enabled: null }],
    [{ enabled: 'false' }],
    [{ enabled: 0 }],
    [{ description: 7 }],
    [{ description: 'x'.repeat(10_001) }],
    [{ description: 'a\0b' }],
    [{ description: '\ud800' }],
    [{ name: 'other' }],
    [{ enabled: false, version: 7 }],
    [{ $set: { enabled: false } }],
  ])('refuses %j and changes nothing', async (body) => {
    const refused = await patch(body).expect(400);
    expect(refused.body).toMatchObject({ error: 'ValidationError' });
    expect((await read()).headers['etag']).toBe('"1"');
  });

  it('knows no pipeline that is not there', async () => {
    await api.call('patch', '/api/ci/pipelines/nonsense').send({ enabled: true }).expect(400);
    id = '01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c';
    await patch({ enabled: false }).expect(404);
  });

  it('a disabled pipeline starts nothing, until it is enabled again', async () => {
    const trigger = (): request.Test => api.call('post', `${path()}/trigger`).send({});
    const { body } = await trigger().expect(202);
    const execution = `/api/ci/executions/${body.execution_id as string}`;
    await patch({ enabled: false }).expect(200);
    const refused = await trigger().expect(409);
    expect(refused.body).toMatchObject({
      error: 'ConflictError',
      details: { reason: { code: 'pipeline_disabled' } },
      suggestions: [expect.stringContaining(`PATCH ${path()}`)],
    });
    // What was accepted continues.
    expect((await api.call('get', execution).expect(200)).body.status).toBe('pending');
    await api.call('post', `${execution}/cancel`).expect(200);
    const again = await api.call('post', `${execution}/rerun`).expect(409);
    expect(again.body.details).toMatchObject({ reason: { code: 'pipeline_disabled' } });
    expect(await api.count('executions', { pipeline_id: id })).toBe(1);
    await patch({ enabled: true }).expect(200);
    await trigger().expect(202);
    await api.call('post', `${execution}/rerun`).expect(202);
    // Of a deleted pipeline the plan is kept.
    await api.call('delete', path()).expect(204);
    await api.call('post', `${execution}/rerun`).expect(202);
  });
});
