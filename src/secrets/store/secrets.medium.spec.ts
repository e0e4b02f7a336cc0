import { randomUUID } from 'node:crypto';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';

const VALUE = 'hunter2-and-more';
interface Listed {
  readonly items: readonly { readonly name: string; readonly scope: string }[];
}
const hello = 'name: hello\nsteps:\n  - run: echo hello\n';

describe('the API of secrets', () => {
  let api: ApiUnderTest;
  beforeAll(async () => {
    api = await ApiUnderTest.start({ RATE_LIMIT: '0' });
  });
  afterAll(() => api.stop());

  const put = (path: string, value: unknown) =>
    api.call('put', `/api/secrets/${path}`).send({ value });
  const names = async (query = ''): Promise<string[]> => {
    const { body } = await api.call('get', `/api/secrets${query}`).expect(200);
    return (body as Listed).items.map(({ name, scope }) => `${scope} ${name}`);
  };

  it('sets, lists and deletes, and never shows a value', async () => {
    const pipeline = await api.createPipeline(hello);
    const set = await put('A_KEY', VALUE).expect(200);
    expect(set.body).toEqual({
      name: 'A_KEY',
      scope: 'global',
      pipeline_id: null,
      repository_id: null,
      events: null,
      protected: false,
      created_by: 'token',
      created_at: expect.any(String),
      updated_by: 'token',
      updated_at: expect.any(String),
    });
    const own = await put(`A_KEY?pipeline_id=${pipeline.toUpperCase()}`, VALUE).expect(200);
    expect(own.body).toMatchObject({ scope: 'pipeline', pipeline_id: pipeline });
    expect(await names()).toEqual(['global A_KEY', 'pipeline A_KEY']);
    expect(await names('?scope=global')).toEqual(['global A_KEY']);
    expect(await names(`?pipeline_id=${pipeline}`)).toEqual(['pipeline A_KEY']);

    const again = await put('A_KEY', `${VALUE}-2`).expect(200);
    expect(again.body.created_at).toBe(set.body.created_at);
    expect(again.body.updated_at >= set.body.updated_at).toBe(true);

    const stored = JSON.stringify(await api.database.collection('secrets').find().toArray());
    expect(stored).toContain('A_KEY');
    expect(stored).not.toContain('hunter2');

    await api.call('delete', '/api/secrets/A_KEY').expect(204);
    await api.call('delete', '/api/secrets/A_KEY').expect(404);
    expect(await names()).toEqual(['pipeline A_KEY']);
    await api.call('delete', `/api/ci/pipelines/${pipeline}`).expect(204);
    expect(await names()).toEqual([]);
  });

  it('keeps which runs get it until they are named again', async () => {
    const set = async (body: object): Promise<unknown> => {
      const { body: answer } = await api.call('put', '/api/secrets/RULES').send(body).expect(200);
      return rulesIn(answer);
    };
    const change = async (body: object): Promise<unknown> => {
      const { body: answer } = await api.call('patch', '/api/secrets/RULES').send(body).expect(200);
      return rulesIn(answer);
    };
    const rulesIn = ({ events, protected: isProtected }: Record<string, unknown>): unknown => [
      events,
      isProtected,
    ];
    await api.call('patch', '/api/secrets/RULES').send({ protected: true }).expect(404);
    expect(await set({ value: VALUE })).toEqual([null, false]);
    expect(await set({ value: VALUE, events: ['push', 'tag'] })).toEqual([['push', 'tag'], false]);
    expect(await set({ value: VALUE, protected: true })).toEqual([['push', 'tag'], true]);
    expect(await set({ value: `${VALUE}-2` })).toEqual([['push', 'tag'], true]);
    expect(await set({ value: VALUE, events: null, protected: false })).toEqual([null, false]);

    const stored = () => api.database.collection('secrets').findOne({ name: 'RULES' });
    const before = await stored();
    expect(await change({ events: ['schedule'] })).toEqual([['schedule'], false]);
    expect(await change({ protected: true })).toEqual([['schedule'], true]);
    // The value, and who has given it, are as they were.
    expect(await stored()).toEqual({ ...before, events: ['schedule'], protected: true });
    const { body: list } = await api.call('get', '/api/secrets').expect(200);
    const listed = (list as Listed).items.find(({ name }) => name === 'RULES');
    expect(listed).toMatchObject({ events: ['schedule'], protected: true });

    const audited = await api.call('get', '/api/audit?target=RULES&limit=2').expect(200);
    expect(audited.body).toMatchObject({
      items: [
        { action: 'secrets.change', details: { events: 'schedule', protected: true } },
        { action: 'secrets.change', details: { events: 'schedule', protected: false } },
      ],
    });
    expect(JSON.stringify(audited.body)).not.toContain(VALUE);
    await api.call('delete', '/api/secrets/RULES').expect(204);
  });

  it('one of older versions is of all events, and unprotected', async () => {
    await put('OLD_KEY', VALUE).expect(200);
    const stored = await api.database.collection('secrets').findOne({ name: 'OLD_KEY' });
    expect(Object.keys(stored ?? {})).not.toContain('events');
    expect(Object.keys(stored ?? {})).not.toContain('protected');
    await api.call('delete', '/api/secrets/OLD_KEY').expect(204);
  });

  it.each([
    [{}, 'events or protected must be given'],
    [{ events: [] }, 'events should not be empty'],
    [{ events: ['deploy'] }, 'events must be one of'],
    [{ events: ['push', 'push'] }, 'unique'],
    [{ events: 'push' }, 'events must be an array'],
    [{ protected: 'yes' }, 'protected must be a boolean'],
    [{ protected: null }, 'protected must be a boolean'],
    [{ value: VALUE, protected: true }, 'value'],
  ])('refuses to change by %j', async (body, why) => {
    const answer = await api.call('patch', '/api/secrets/A_KEY').send(body).expect(400);
    expect(JSON.stringify(answer.body)).toContain(why);
    expect(JSON.stringify(answer.body)).not.toContain(VALUE);
  });

  it('pages through names', async () => {
    for (const name of ['P_ONE', 'P_THREE', 'P_TWO']) await put(name, VALUE).expect(200);
    const first = await api.call('get', '/api/secrets?limit=2').expect(200);
    expect(first.body.items).toHaveLength(2);
    const rest = await api.call('get', `/api/secrets?limit=2&cursor=${first.body.next_cursor}`);
    expect((rest.body as Listed).items.map(({ name }) => name)).toEqual(['P_TWO']);
  });

  it('is made once, however many make it at one time', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, n) => put('RACE_KEY', `${VALUE}-${n}`).expect(200)),
    );
    expect(await api.count('secrets', { name: 'RACE_KEY' })).toBe(1);
  });

  it.each([
    ['CI_TOKEN', VALUE, 400, 'reserved'],
    ['A-KEY', VALUE, 400, 'no name of a variable'],
    ['A_KEY', 'abc', 400, 'cannot be masked'],
    ['A_KEY', 7, 400, 'must be a string'],
    [`A_KEY?pipeline_id=${randomUUID()}`, VALUE, 404, 'There is no pipeline'],
    [`A_KEY?repository_id=${randomUUID()}`, VALUE, 404, 'There is no repository'],
    [`A_KEY?repository_id=${randomUUID()}&pipeline_id=${randomUUID()}`, VALUE, 400, 'one owner'],
    [`A_KEY?pipeline=${randomUUID()}`, VALUE, 400, 'pipeline'],
  ])('refuses PUT %s of %p: %i', async (path, value, status, why) => {
    const { body } = await put(path, value).expect(status);
    expect(JSON.stringify(body)).toContain(why);
    expect(JSON.stringify(body)).not.toContain(VALUE);
  });
});
