import { randomUUID } from 'node:crypto';
import type request from 'supertest';
import { ApiUnderTest } from '../../test/support/api-under-test.js';
import { ExecutionsRepository } from '../executions/record/executions.repository.js';
import { PipelinesRepository } from '../pipelines/definitions/pipelines.repository.js';
import { PipelineVersionsRepository } from '../pipelines/versions/pipeline-versions.repository.js';
import type { IdempotencyKeyDocument } from './idempotency-key.schema.js';
import { KEPT_MS } from './idempotency-keys.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { IdempotencySweeper } from './idempotency-sweeper.js';

const yaml = 'name: once\nsteps: [true]\n';
const away = (): Error => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

describe('Idempotency-Key', () => {
  let api: ApiUnderTest;
  let pipeline: string;
  let key: string;

  const trigger = (body: object = {}, of = pipeline): request.Test =>
    api.call('post', `/api/ci/pipelines/${of}/trigger`).set('idempotency-key', key).send(body);
  const create = (text = yaml): request.Test =>
    api.call('post', '/api/ci/pipelines').set('idempotency-key', key).send({ yaml_content: text });
  const upload = (text = yaml): request.Test =>
    api
      .call('post', '/api/ci/pipelines/upload')
      .set('idempotency-key', key)
      .attach('pipeline', Buffer.from(text), 'pipeline.yml');
  const executions = (): Promise<number> => api.count('executions', { pipeline_id: pipeline });
  const keys = () => api.database.collection<IdempotencyKeyDocument>('idempotency_keys');
  const onlyKey = async (): Promise<IdempotencyKeyDocument> => {
    const all = await keys().find({}).toArray();
    expect(all).toHaveLength(1);
    return all[0] as IdempotencyKeyDocument;
  };
  /** As if the request that holds the key were so old. */
  const age = async (ms: number): Promise<void> => {
    const { _id, held_until } = await onlyKey();
    const until = new Date(held_until.getTime() - ms);
    await keys().updateOne({ _id }, { $set: { held_until: until } });
  };

  beforeAll(async () => {
    api = await ApiUnderTest.start();
  });
  afterAll(() => api.stop());
  beforeEach(async () => {
    key = randomUUID();
    await keys().deleteMany({});
    pipeline = await api.createPipeline(yaml);
  });
  afterEach(() => jest.restoreAllMocks());

  it('costs nothing without a key', async () => {
    await api.call('post', `/api/ci/pipelines/${pipeline}/trigger`).expect(202);
    await api.call('post', `/api/ci/pipelines/${pipeline}/trigger`).expect(202);
    expect(await executions()).toBe(2);
    expect(await keys().countDocuments()).toBe(0);
  });

  it('the same trigger again is the first answer again', async () => {
    const first = await trigger({ branch: 'main' }).expect(202);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    for (let i = 0; i < 3; i++) {
      const again = await trigger({ branch: 'main' }).expect(202);
      expect(again.headers['idempotency-replayed']).toBe('true');
      expect(again.body).toEqual(first.body);
    }
    expect(await executions()).toBe(1);
  });

  it('without a body, too', async () => {
    const post = (): request.Test =>
      api.call('post', `/api/ci/pipelines/${pipeline}/trigger`).set('idempotency-key', key);
    const first = await post().expect(202);
    expect((await post().expect(202)).body).toEqual(first.body);
    await post().send({ branch: 'main' }).expect(422);
    expect(await executions()).toBe(1);
  });

  it('pipelines: status, body, Location and ETag come again', async () => {
    const before = await api.count('pipelines');
    const first = await create().expect(201);
    const again = await create().expect(201);
    expect(again.body).toEqual(first.body);
    for (const name of ['location', 'etag', 'content-type']) {
      expect(again.headers[name]).toBe(first.headers[name]);
    }
    expect(await api.count('pipelines')).toBe(before + 1);
  });

  it('uploads: the file counts, not what is around it', async () => {
    const before = await api.count('pipelines');
    const first = await upload().expect(201);
    const again = await upload().expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(again.headers['location']).toBe(first.headers['location']);
    await upload(`${yaml}\n`).expect(422);
    // Another route, so another key.
    expect((await create().expect(201)).body.id).not.toBe(first.body.id);
    expect(await api.count('pipelines')).toBe(before + 2);
  });

  it('re-runs', async () => {
    const { body } = await trigger().expect(202);
    const id = body.execution_id as string;
    await api.call('post', `/api/ci/executions/${id}/cancel`).expect(200);
    const rerun = (): request.Test =>
      api.call('post', `/api/ci/executions/${id}/rerun`).set('idempotency-key', key);
    const first = await rerun().expect(202);
    expect((await rerun().expect(202)).body).toEqual(first.body);
    expect(await executions()).toBe(2);
  });

  it('another body under the key is refused', async () => {
    await trigger({ branch: 'main' }).expect(202);
    const other = await trigger({ branch: 'dev' }).expect(422);
    expect(other.body).toMatchObject({
      error: 'UnprocessableError',
      suggestions: [expect.stringContaining('key')],
    });
    expect(await executions()).toBe(1);
  });

  it('a key for one pipeline says nothing of another', async () => {
    const other = await api.createPipeline(yaml);
    const first = await trigger().expect(202);
    const second = await trigger({}, other).expect(202);
    expect(second.body.execution_id).not.toBe(first.body.execution_id);
    const third = await trigger({}, other.toUpperCase()).expect(202);
    expect(third.body).toEqual(second.body);
  });

  it.each([[''], ['x'.repeat(256)], ['sch\u00fcssel']])('refuses the key %j', async (bad) => {
    key = bad;
    const refused = await trigger().expect(400);
    expect(refused.body.error).toBe('ValidationError');
    expect(await executions()).toBe(0);
    expect(await keys().countDocuments()).toBe(0);
  });

  it('a refusal is not remembered: the corrected request may have the key', async () => {
    await create('name: bad\nstepss: []\n').expect(400);
    await create('name: [').expect(400);
    expect(await keys().countDocuments()).toBe(0);
    const good = await create().expect(201);
    expect((await create().expect(201)).body).toEqual(good.body);

    await trigger({ inputs: { unknown: 1 } }).expect(422);
    await trigger({ branch: 7 }).expect(400);
    await trigger({ branch: 'main' }).expect(202);
    expect(await executions()).toBe(1);
  });

  it('of many at once one is done; the others wait or get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => trigger()));
    const waiting = answers.filter(({ status }) => status === 409);
    for (const { body, headers } of waiting) {
      expect(body.error).toBe('ConflictError');
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(5);
    }
    const done = answers.filter(({ status }) => status === 202);
    expect(done.length + waiting.length).toBe(12);
    expect(done.filter((each) => !('idempotency-replayed' in each.headers))).toHaveLength(1);
    expect(new Set(done.map(({ body }) => body.execution_id as string)).size).toBe(1);
    expect(await executions()).toBe(1);
    expect((await trigger().expect(202)).body).toEqual(done[0]?.body);
  });

  it('an insert whose answer was lost is found again (503, then the same)', async () => {
    const repository = api.app.get(ExecutionsRepository);
    const write = repository.insert.bind(repository);
    jest.spyOn(repository, 'insert').mockImplementationOnce(async (execution) => {
      await write(execution);
      throw away();
    });
    await trigger().expect(503);
    expect(await executions()).toBe(1);
    const second = await trigger().expect(202);
    const stored = await api.database.collection('executions').findOne({ pipeline_id: pipeline });
    expect(second.body.execution_id).toBe(stored?._id);
    const third = await trigger().expect(202);
    expect(third.headers['idempotency-replayed']).toBe('true');
    expect(await executions()).toBe(1);
  });

  it('an insert that did not happen happens later, under the same id', async () => {
    const repository = api.app.get(ExecutionsRepository);
    jest.spyOn(repository, 'insert').mockRejectedValueOnce(away());
    await trigger().expect(503);
    const { resource_id } = await onlyKey();
    expect((await trigger().expect(202)).body.execution_id).toBe(resource_id);
    expect(await executions()).toBe(1);
  });

  it.each([
    ['version', PipelineVersionsRepository],
    ['pipeline', PipelinesRepository],
  ])('a pipeline whose %s was stored but not answered', async (_what, token) => {
    const repository = api.app.get<{ insert(document: unknown): Promise<unknown> }>(token);
    const write = repository.insert.bind(repository);
    jest.spyOn(repository, 'insert').mockImplementationOnce(async (document) => {
      await write(document);
      throw away();
    });
    const before = await api.count('pipelines');
    await create().expect(503);
    const { body } = await create().expect(201);
    expect(body.id).toBe((await onlyKey()).resource_id);
    expect(await api.count('pipelines')).toBe(before + 1);
    const whole = await api.call('get', `/api/ci/pipelines/${body.id}`).expect(200);
    expect(whole.body).toMatchObject({ yaml_content: yaml, created_at: body.created_at });
    expect(await api.count('pipeline_versions', { pipeline_id: body.id })).toBe(1);
  });

  it('what was created is answered, also when the answer cannot be kept', async () => {
    jest.spyOn(api.app.get(IdempotencyKeysRepository), 'answer').mockRejectedValueOnce(away());
    const first = await trigger().expect(202);
    const early = await trigger().expect(409);
    expect(Number(early.headers['retry-after'])).toBeLessThanOrEqual(5);
    await age(6_000);
    expect((await trigger().expect(202)).body).toEqual(first.body);
    expect(await executions()).toBe(1);
  });

  it('a clock that is ahead blocks no key', async () => {
    jest.spyOn(api.app.get(IdempotencyKeysRepository), 'answer').mockRejectedValueOnce(away());
    const first = await trigger().expect(202);
    await age(-3_600_000);
    expect((await trigger().expect(202)).body).toEqual(first.body);
  });

  it('what was accepted stays accepted, whatever has become of the pipeline', async () => {
    jest.spyOn(api.app.get(IdempotencyKeysRepository), 'answer').mockRejectedValueOnce(away());
    const first = await trigger().expect(202);
    await age(6_000);
    await api.call('patch', `/api/ci/pipelines/${pipeline}`).send({ enabled: false }).expect(200);
    expect((await trigger().expect(202)).body).toEqual(first.body);
  });

  it('a repetition that is refused keeps id and body of the key', async () => {
    jest.spyOn(api.app.get(ExecutionsRepository), 'insert').mockRejectedValueOnce(away());
    await trigger().expect(503);
    const { resource_id } = await onlyKey();
    const path = `/api/ci/pipelines/${pipeline}`;
    await api.call('patch', path).send({ enabled: false }).expect(200);
    await trigger().expect(409);
    await trigger({ branch: 'main' }).expect(422);
    await api.call('patch', path).send({ enabled: true }).expect(200);
    expect((await trigger().expect(202)).body.execution_id).toBe(resource_id);
    expect(await executions()).toBe(1);
  });

  it('is forgotten after 24 h, swept or not', async () => {
    const first = await trigger().expect(202);
    const { _id } = await onlyKey();
    const old = { created_at: new Date(Date.now() - KEPT_MS - 1_000) };
    await keys().updateOne({ _id }, { $set: old });
    const second = await trigger({ branch: 'main' }).expect(202);
    expect(second.body.execution_id).not.toBe(first.body.execution_id);
    expect((await onlyKey()).created_at.getTime()).toBeGreaterThan(Date.now() - 60_000);

    const sweeper = api.app.get(IdempotencySweeper);
    await sweeper.round();
    expect(await keys().countDocuments()).toBe(1);
    await keys().updateOne({ _id }, { $set: old });
    await sweeper.round();
    expect(await keys().countDocuments()).toBe(0);
  });

  it('keeps no body and no key in the clear', async () => {
    await trigger({ environment: { A: 'not-for-everybody' } }).expect(202);
    const text = JSON.stringify(await onlyKey());
    expect(text).not.toContain('not-for-everybody');
    expect(text).not.toContain(key);
  });
});
