import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { Browser, type BrowserAnswer, callWith } from '../../../test/support/browser.js';
import { freePort } from '../../../test/support/free-port.js';
import { OAuthStandIn, type StandInAccount } from '../../../test/support/oauth-stand-in.js';

const ADA: StandInAccount = { id: 1, login: 'ada' };
const BOB: StandInAccount = { id: 2, login: 'bob' };
const CID: StandInAccount = { id: 3, login: 'cid' };
const YAML = 'name: hello\nsteps:\n  - run: echo hello\n';

describe('tokens and roles', () => {
  let forge: OAuthStandIn;
  let api: ApiUnderTest;
  let base: string;
  let ada: Browser;
  let bob: Browser;
  let cid: Browser;
  let pipeline: string;

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    const port = await freePort();
    base = `http://127.0.0.1:${String(port)}`;
    api = await ApiUnderTest.start(
      {
        ...forge.environment,
        PUBLIC_URL: base,
        ADMIN_LOGINS: 'ada',
        ALLOWED_LOGINS: 'bob,cid',
        AUTH_FAILURE_LIMIT: '0',
        LOGIN_LIMIT: '0',
      },
      port,
    );
    [ada, bob, cid] = [1, 2, 3].map(() => new Browser(base, forge)) as [Browser, Browser, Browser];
    await ada.logIn(ADA);
    await bob.logIn(BOB);
    await cid.logIn(CID);
    pipeline = await api.createPipeline(YAML);
  });
  afterAll(async () => {
    await api?.stop();
    await forge?.stop();
  });

  const call = (
    token: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<BrowserAnswer> => callWith(token, method, base + path, body);
  const make = (who: Browser, scopes: readonly string[], name = 'mine'): Promise<BrowserAnswer> =>
    who.call('POST', '/api/tokens', { name, scopes });
  /** An event stream from which something has come. */
  const open = async (token: string, path: string): Promise<IncomingMessage> => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const asked = request(base + path, { headers }).end();
    const [stream] = (await once(asked, 'response')) as [IncomingMessage];
    expect(stream.statusCode).toBe(200);
    stream.on('error', () => undefined);
    await once(stream, 'data');
    return stream.resume();
  };
  const idOf = async (who: Browser): Promise<string> =>
    String((await who.call('GET', '/api/sessions/me')).body.id);
  const change = (who: string, body: unknown): Promise<BrowserAnswer> =>
    ada.call('PATCH', `/api/users/${who}`, body);

  it('a personal token does what it names, is listed with its last use, and ends', async () => {
    const { status, body: made } = await make(bob, ['pipelines:read', 'sessions:read']);
    expect(status).toBe(201);
    expect(made.used_at).toBeNull();
    const me = await call(made.token, 'GET', '/api/sessions/me');
    expect(me.body).toMatchObject({
      name: 'bob',
      role: 'viewer',
      scopes: ['pipelines:read', 'sessions:read'],
    });
    expect((await call(made.token, 'GET', '/api/ci/pipelines')).status).toBe(200);
    expect((await call(made.token, 'GET', '/api/ci/executions')).status).toBe(403);

    const [listed] = (await bob.call('GET', '/api/tokens')).body.items;
    const { token: secret, ...rest } = made;
    expect(listed).toEqual({ ...rest, used_at: expect.any(String) });
    const stored = await api.database.collection('tokens').find().toArray();
    expect(JSON.stringify(stored)).not.toContain(secret);

    expect((await bob.call('DELETE', `/api/tokens/${made.id}`)).status).toBe(204);
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(401);
    expect((await bob.call('GET', '/api/tokens')).body.items).toEqual([]);
  });

  it('has an end, and is known by its secret alone', async () => {
    const { body: made } = await make(bob, ['sessions:read']);
    const secret = String(made.token);
    const wrong = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
    expect((await call(wrong, 'GET', '/api/sessions/me')).status).toBe(401);
    await api.database
      .collection('tokens')
      .updateOne({ name: 'mine', revoked_at: null }, { $set: { expires_at: new Date() } });
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(401);
  });

  it('cannot be wider than its maker, nor make another', async () => {
    const wide = await make(bob, ['pipelines:read', 'pipelines:write']);
    expect([wide.status, wide.body.details.scopes]).toEqual([422, ['pipelines:write']]);
    const { body: made } = await make(bob, ['tokens:write', 'tokens:read']);
    const second = await call(made.token, 'POST', '/api/tokens', {
      name: 'second',
      scopes: ['tokens:read'],
    });
    expect([second.status, second.body.details.code]).toEqual([403, 'session_required']);
  });

  it('only the own sessions and tokens are there, even for an administrator', async () => {
    const { body: made } = await make(bob, ['sessions:read']);
    const session = (await bob.call('GET', '/api/sessions/me')).body.session_id;
    for (const other of [ada, cid]) {
      expect((await other.call('DELETE', `/api/tokens/${made.id}`)).status).toBe(404);
      expect((await other.call('DELETE', `/api/sessions/${session}`)).status).toBe(404);
      const listed = await other.call('GET', '/api/sessions/list');
      expect(listed.body.items).toHaveLength(1);
      expect(JSON.stringify(listed.body)).not.toContain(session);
    }
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(200);
    expect((await bob.call('GET', '/api/sessions/me')).status).toBe(200);
  });

  it('follows the role of its owner at once, in both directions', async () => {
    const id = await idOf(bob);
    const create = (token: string): Promise<BrowserAnswer> =>
      call(token, 'POST', `/api/ci/pipelines/${pipeline}/trigger`, {});
    expect((await change(id, { role: 'developer' })).body.role).toBe('developer');
    const { body: made } = await make(bob, ['executions:trigger']);
    expect((await create(made.token)).status).toBe(202);
    expect((await change(id, { role: null })).body.role).toBe('viewer');
    expect((await create(made.token)).status).toBe(403);
    expect((await bob.call('PATCH', `/api/users/${id}`, { role: 'admin' })).status).toBe(403);
  });

  it('of somebody who is blocked ends with all sessions, and stays ended', async () => {
    const id = await idOf(cid);
    const { body: made } = await make(cid, ['sessions:read']);
    expect((await change(id, { blocked: true })).body.blocked).toBe(true);
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(401);
    expect((await cid.call('GET', '/api/sessions/me')).status).toBe(401);
    await expect(new Browser(base, forge).logIn(CID)).rejects.toThrow(/403/);

    expect((await change(id, { blocked: false })).body.blocked).toBe(false);
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(401);
    await cid.logIn(CID);
    expect((await cid.call('GET', '/api/tokens')).body.items).toEqual([]);
  });

  it('nobody changes themselves, and nobody whom the configuration names', async () => {
    const id = await idOf(bob);
    await change(id, { role: 'admin' });
    const own = await bob.call('PATCH', `/api/users/${id}`, { role: 'developer' });
    expect([own.status, own.body.message]).toEqual([
      409,
      'Nobody changes their own role, or blocks themselves.',
    ]);
    await change(id, { role: null });
    const byToken = await api
      .call('patch', `/api/users/${await idOf(ada)}`)
      .send({ blocked: true });
    expect(byToken.status).toBe(409);
    expect(byToken.body.message).toBe('ADMIN_LOGINS names ada.');
  });

  it('ends event streams with the right by which they are read', async () => {
    const id = await idOf(bob);
    await change(id, { role: 'developer' });
    const { body: run } = await ada.call('POST', `/api/ci/pipelines/${pipeline}/trigger`, {});
    const { body: account } = await ada.call('POST', '/api/service-accounts', { name: 'reader' });
    const ofAccount = `/api/service-accounts/${account.id}/tokens`;
    const scopes = ['executions:read'];
    const revoked = await make(ada, scopes);
    const expired = await make(ada, scopes);
    const lowered = await make(bob, scopes);
    const removed = await ada.call('POST', ofAccount, { name: 'x', scopes });
    const kept = await make(ada, scopes);
    const path = `/api/ci/executions/${run.execution_id}/events`;
    const streams = await Promise.all(
      [revoked, expired, lowered, removed, kept].map(({ body }) => open(body.token, path)),
    );
    const isOpen = streams.map(() => true);
    const ends = streams.map(
      (stream, index) =>
        new Promise<void>((resolve) => {
          stream.once('close', () => resolve(void (isOpen[index] = false)));
        }),
    );

    await ada.call('DELETE', `/api/tokens/${revoked.body.id}`);
    await api.set('tokens', { _id: expired.body.id }, { expires_at: new Date(0) });
    await change(id, { role: null });
    await ada.call('DELETE', `/api/service-accounts/${account.id}`);
    await Promise.all(ends.slice(0, 4));
    expect(isOpen).toEqual([false, false, false, false, true]);
    streams[4]?.destroy();
  });

  it('of a service account starts pipelines, changes none, and ends with the account', async () => {
    const { body: account } = await ada.call('POST', '/api/service-accounts', { name: 'bot' });
    expect((await ada.call('POST', '/api/service-accounts', { name: 'bot' })).status).toBe(409);
    expect((await bob.call('POST', '/api/service-accounts', { name: 'other' })).status).toBe(403);
    const path = `/api/service-accounts/${account.id}/tokens`;
    const scopes = ['executions:trigger', 'executions:read', 'sessions:read'];
    expect((await ada.call('POST', path, { name: 'x', scopes: ['users:write'] })).status).toBe(422);
    const { body: made } = await ada.call('POST', path, { name: 'x', scopes });
    const { body: me } = await call(made.token, 'GET', '/api/sessions/me');
    expect(me).toMatchObject({ kind: 'service_account', name: 'bot', role: 'service_account' });
    expect(
      (await call(made.token, 'POST', `/api/ci/pipelines/${pipeline}/trigger`, {})).status,
    ).toBe(202);
    const refused = await call(made.token, 'POST', '/api/ci/pipelines', { yaml_content: YAML });
    expect(refused.status).toBe(403);

    const { body: next } = await ada.call('POST', path, { name: 'y', scopes });
    expect((await ada.call('DELETE', `${path}/${made.id}`)).status).toBe(204);
    expect((await call(made.token, 'GET', '/api/sessions/me')).status).toBe(401);
    expect((await call(next.token, 'GET', '/api/sessions/me')).status).toBe(200);
    expect((await ada.call('DELETE', `/api/service-accounts/${account.id}`)).status).toBe(204);
    expect((await call(next.token, 'GET', '/api/sessions/me')).status).toBe(401);
    expect((await ada.call('GET', path)).status).toBe(404);
  });
});
