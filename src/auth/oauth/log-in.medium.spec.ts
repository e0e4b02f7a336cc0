import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { CookieJar } from '../../../test/support/cookie-jar.js';
import { freePort } from '../../../test/support/free-port.js';
import { OAuthStandIn, type StandInAccount } from '../../../test/support/oauth-stand-in.js';

const ADA: StandInAccount = { id: 583_231, login: 'Ada' };
const EVE: StandInAccount = { id: 666, login: 'eve' };

describe('a log-in', () => {
  let forge: OAuthStandIn;
  let api: ApiUnderTest;
  let base: string;

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    api = await ApiUnderTest.start(
      { ...forge.environment, PUBLIC_URL: base, ADMIN_LOGINS: 'ada', AUTH_FAILURE_LIMIT: '0' },
      port,
    );
  });
  afterAll(async () => {
    await api?.stop();
    await forge?.stop();
  });

  const begin = async (jar: CookieJar, query = ''): Promise<string> => {
    const response = await jar.fetch(`${base}/api/sessions/oauth/github${query}`);
    expect(response.status).toBe(303);
    return response.headers.get('location') ?? '';
  };
  const logIn = async (jar: CookieJar, account = ADA, query = ''): Promise<Response> =>
    jar.fetch(forge.consent(await begin(jar, query), account));
  const me = async (jar: CookieJar): Promise<Record<string, unknown>> =>
    (await (await jar.fetch(`${base}/api/sessions/me`)).json()) as Record<string, unknown>;

  it('of a browser ends in a cookie, leads on, and is over after a log-out', async () => {
    const jar = new CookieJar();
    const response = await logIn(jar, ADA, '?return_to=/api/docs');
    expect([response.status, response.headers.get('location')]).toEqual([303, `${base}/api/docs`]);
    expect([...jar.cookies.keys()]).toEqual(['millrace_session']);
    const cookie = response.headers.getSetCookie().at(-1);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/);

    const known = await me(jar);
    expect(known).toMatchObject({ kind: 'user', name: 'Ada', role: 'admin' });
    const logOut = (headers: Record<string, string>): Promise<Response> =>
      jar.fetch(`${base}/api/sessions/logout`, { method: 'POST', headers });
    expect((await logOut({})).status).toBe(403);
    expect((await jar.fetch(`${base}/api/sessions/logout`)).status).toBe(409);
    const stolen = jar.copy();
    expect((await logOut({ 'x-csrf-token': String(known['csrf_token']) })).status).toBe(204);
    expect(jar.cookies.size).toBe(0);
    expect((await stolen.fetch(`${base}/api/sessions/me`)).status).toBe(401);
  });

  it('of a client ends in tokens, which are refreshed, and end with the log-out', async () => {
    const jar = new CookieJar();
    const url = forge.consent(await begin(jar), ADA);
    const headers = { accept: 'application/json' };
    const tokens = (await (await jar.fetch(url, { headers })).json()) as Record<string, string>;
    const as = (token = ''): { headers: Record<string, string> } => ({
      headers: { authorization: `Bearer ${token}` },
    });
    const known = await fetch(`${base}/api/sessions/me`, as(tokens['access_token']));
    expect(await known.json()).toMatchObject({ name: 'Ada', csrf_token: null });
    const refreshed = (await refresh(tokens['refresh_token'])).body as Record<string, string>;
    expect(refreshed['refresh_token']).not.toBe(tokens['refresh_token']);
    expect(await refresh(tokens['refresh_token'])).toEqual({ status: 200, body: refreshed });

    const out = await fetch(`${base}/api/sessions/logout`, as(refreshed['access_token']));
    expect(out.status).toBe(204);
    expect((await fetch(`${base}/api/sessions/me`, as(tokens['access_token']))).status).toBe(401);
    expect((await refresh(refreshed['refresh_token'])).status).toBe(401);
  });

  it('is refused to whom no list names', async () => {
    const response = await logIn(new CookieJar(), EVE);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ details: { code: 'not_allowed' } });
    expect(await api.count('users', { remote_id: '666' })).toBe(0);
  });

  it('that is refused in a browser shows a page: what happened, what to do, nothing that runs', async () => {
    const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };
    const name = '<script>eve</script>';
    const jar = new CookieJar();
    const url = forge.consent(await begin(jar), { ...EVE, login: name });
    const response = await jar.fetch(url, html);
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none';img-src 'self';style-src 'sha256-[^']+';base-uri 'none';form-action 'none';frame-ancestors 'none'$/,
    );
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const page = await response.text();
    expect(page).toContain('<h1>This account may not log in here.</h1>');
    expect(page).toContain('&lt;script&gt;eve');
    expect(page).toContain('<li>Ask an administrator: ');
    expect(page).not.toContain('<script');

    // Of a state that nobody has begun: how to begin.
    const again = await fetch(`${base}/api/sessions/oauth/github/callback?code=a&state=b`, html);
    expect(again.status).toBe(401);
    expect(await again.text()).toContain(`<a href="${base}/api/sessions/oauth/github">`);
    const unknown = await fetch(`${base}/api/sessions/oauth/nobody`, html);
    expect([unknown.status, (await unknown.text()).slice(0, 15)]).toEqual([404, '<!doctype html>']);

    // Who asks for JSON, or for anything, gets the one error shape.
    for (const accept of ['application/json', '*/*', 'application/json,text/html;q=0.5']) {
      const callback = `${base}/api/sessions/oauth/github/callback?error=access_denied`;
      const shaped = await fetch(callback, { headers: { accept } });
      expect(await shaped.json()).toMatchObject({ details: { code: 'denied' } });
    }
  });

  it('is offered where a browser opens what needs one, and leads back there', async () => {
    const path = `/api/ci/executions/01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b`;
    const html = { headers: { accept: 'text/html,*/*;q=0.8' } };
    const refused = await fetch(`${base}${path}`, html);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      401,
      'text/html; charset=utf-8',
    ]);
    const [, link = ''] = /<a href="([^"]+)">Log in with GitHub</.exec(await refused.text()) ?? [];
    expect(link.startsWith(`${base}/api/sessions/oauth/github?return_to=`)).toBe(true);
    const jar = new CookieJar();
    const begun = await jar.fetch(link);
    const back = await jar.fetch(forge.consent(begun.headers.get('location') ?? '', ADA), html);
    expect([back.status, back.headers.get('location')]).toEqual([303, `${base}${path}`]);
    // Known by then: a page of what is not there.
    const missing = await jar.fetch(`${base}${path}`, html);
    expect([missing.status, (await missing.text()).slice(0, 15)]).toEqual([404, '<!doctype html>']);
  });

  it('is refused with a state of another browser, a used one, and a used code', async () => {
    const jar = new CookieJar();
    const url = forge.consent(await begin(jar), ADA);
    expect((await new CookieJar().fetch(url)).status).toBe(401);
    const replaying = jar.copy();
    expect((await jar.fetch(url)).status).toBe(303);
    const replayed = await replaying.fetch(url);
    expect(await replayed.json()).toMatchObject({ details: { code: 'bad_state' } });

    const next = new URL(await begin(jar));
    const used = new URL(url);
    used.searchParams.set('state', next.searchParams.get('state') ?? '');
    const response = await jar.fetch(used.href);
    expect(await response.json()).toMatchObject({ details: { code: 'bad_code' } });
  });

  async function refresh(token = ''): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${base}/api/sessions/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: token }),
    });
    return { status: response.status, body: await response.json() };
  }
});
