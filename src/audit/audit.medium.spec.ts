import { randomBytes } from 'node:crypto';
import { ApiUnderTest } from '../../test/support/api-under-test.js';
import { eventually } from '../../test/support/eventually.js';
import { Audit } from '../common/audit/audit.js';
import type { AuditRecordDocument } from './audit.schema.js';
import { entryOf } from './audit.fixture.js';

const YAML = 'name: audited\nsteps: [{run: "true"}]\n';
/** All processes over one database need the same key. */
const ONE_KEY = { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` };
const BAD = { authorization: 'Bearer not-a-good-token' };

describe('the audit of two API processes', () => {
  let one: ApiUnderTest;
  let other: ApiUnderTest;

  beforeAll(async () => {
    one = await ApiUnderTest.start({ ...ONE_KEY, RATE_LIMIT: '0', COMPILE_LIMIT: '0' });
    other = await ApiUnderTest.start({ ...ONE_KEY, RATE_LIMIT: '0', COMPILE_LIMIT: '0' });
  });
  afterAll(async () => {
    await other?.app.close();
    await other?.database.close();
    await one?.stop();
  });

  const records = () => one.database.collection<AuditRecordDocument>('audit_records');
  const verified = async (query = ''): Promise<Record<string, unknown>> =>
    (await one.call('get', `/api/audit/verify${query}`).expect(200)).body as Record<
      string,
      unknown
    >;
  const list = async (query: string): Promise<Record<string, unknown>[]> =>
    (await one.call('get', `/api/audit?${query}`).expect(200)).body.items as Record<
      string,
      unknown
    >[];

  it('is one unbroken chain', async () => {
    const audits = [one, other].map(({ app }) => app.get(Audit));
    const before = await records().countDocuments();
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const audit = audits[index % 2] as Audit;
        if (index % 3 === 0) audit.note(entryOf({ reason: `both.${index}` }));
        else await audit.record(entryOf({ reason: `both.${index}` }));
      }),
    );
    await eventually(
      async () => (await records().countDocuments()) >= before + 300 || undefined,
      10_000,
    );
    const reasons = await records().distinct('reason', { reason: /^both/ });
    expect(reasons).toHaveLength(300);
    expect(await records().countDocuments()).toBe(before + 300);
    expect(await verified()).toMatchObject({ holds: true, checked: before + 300, complete: true });
  });

  it('keeps what a request does before it is answered, by whom and from where', async () => {
    const id = await one.createPipeline(YAML);
    expect(await list(`target=${id}`)).toMatchObject([
      {
        action: 'pipelines.create',
        actor: { kind: 'token', id: 'token' },
        client: '127.0.0.1',
        target: { kind: 'pipeline', id, name: 'audited' },
        outcome: 'success',
        details: { version: 1 },
      },
    ]);
    const response = await other.call('delete', `/api/ci/pipelines/${id}`).expect(204);
    expect(await list(`target=${id}&limit=1`)).toMatchObject([
      { action: 'pipelines.delete', request_id: response.headers['x-request-id'] },
    ]);
  });

  it('does not keep an answer that is given again', async () => {
    const create = () =>
      one
        .call('post', '/api/ci/pipelines')
        .set('Idempotency-Key', 'once')
        .send({ yaml_content: YAML })
        .expect(201);
    const { id } = (await create()).body;
    expect((await create()).headers['idempotency-replayed']).toBe('true');
    expect(await list(`target=${id}`)).toHaveLength(1);
  });

  it('keeps no change to what was so before', async () => {
    const id = await one.createPipeline(YAML);
    const path = `/api/ci/pipelines/${id}`;
    const put = (yaml: string) => one.call('put', path).send({ yaml_content: yaml }).expect(200);
    const patch = (enabled: boolean) => one.call('patch', path).send({ enabled }).expect(200);
    expect((await put(YAML)).body).toMatchObject({ version: 1 });
    await patch(true);
    const made = { action: 'pipelines.create', details: { version: 1 } };
    expect(await list(`target=${id}`)).toMatchObject([made]);
    await put(`${YAML}# changed\n`);
    await patch(false);
    await patch(false);
    expect(await list(`target=${id}`)).toMatchObject([
      { action: 'pipelines.change', details: { enabled: false } },
      { action: 'pipelines.replace', details: { version: 2 } },
      made,
    ]);
    const { body } = await one.call('get', `${path}/versions`).expect(200);
    expect(body.items).toHaveLength(2);
  });

  it('keeps refusals of one kind, client and caller once in a minute, with their number', async () => {
    for (let number = 0; number < 9; number++) {
      await one.call('get', '/api/ci/pipelines').set(BAD).expect(401);
      await one.call('get', '/api/ci/executions').unset('authorization').expect(401);
    }
    await eventually(async () => (await list('outcome=refused')).length > 0 || undefined, 5_000);
    expect(await list('outcome=refused')).toMatchObject([
      {
        action: 'requests.call',
        reason: 'bad_token',
        actor: { kind: 'unknown', id: '' },
        target: { kind: 'route', id: 'GET /api/ci/pipelines' },
      },
    ]);
  });

  it('stores what is noted when the process ends', async () => {
    const third = await ApiUnderTest.start(ONE_KEY);
    third.app.get(Audit).note(entryOf({ reason: 'at the end' }));
    await third.call('get', '/api/ci/pipelines').set(BAD).expect(401);
    await third.call('get', '/api/ci/pipelines').set(BAD).expect(401);
    await third.app.close();
    await third.database.close();
    const [last, ...before] = await list('limit=3');
    expect(last).toMatchObject({ reason: 'bad_token', details: { repeated: 1 } });
    expect(before.map(({ reason }) => reason)).toContain('at the end');
  });

  it('names the first record that somebody changed or removed', async () => {
    const { last } = await verified();
    await records().updateOne({ _id: 20 }, { $set: { actor_id: 'somebody else' } });
    expect(await verified()).toMatchObject({
      holds: false,
      first_break: { seq: 20, kind: 'changed' },
      checked: 19,
    });
    await records().deleteOne({ _id: 10 });
    expect(await verified()).toMatchObject({ first_break: { seq: 10, kind: 'missing' } });
    const { seq, hash } = last as { seq: number; hash: string };
    expect(await verified(`?since_seq=${seq}&since_hash=${hash}`)).toMatchObject({ holds: true });
    await records().deleteMany({ _id: { $gte: seq } });
    expect(await verified(`?since_seq=${seq}&since_hash=${hash}`)).toMatchObject({
      first_break: { seq, kind: 'missing' },
    });
    await one.call('get', `/api/audit/verify?since_seq=${seq}`).expect(400);
  });
});
