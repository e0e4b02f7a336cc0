import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { Browser, type BrowserAnswer, callWith } from '../../../test/support/browser.js';
import { CookieJar } from '../../../test/support/cookie-jar.js';
import { freePort } from '../../../test/support/free-port.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  OAuthStandIn,
  type StandInAccount,
} from '../../../test/support/oauth-stand-in.js';

const ACME = { id: 77, login: 'Acme' };
const TEAM = { id: 9, slug: 'developers', organization: ACME, state: 'active' as const };
const GIL: StandInAccount = { id: 1, login: 'gil', name: 'Gil', teams: [TEAM] };
const OTHER: StandInAccount = {
  id: 2,
  login: 'other',
  teams: [{ ...TEAM, id: 10, slug: 'designers' }],
};

describe('a log-in at Gitea, beside GitHub', () => {
  let forge: OAuthStandIn;
  let api: ApiUnderTest;
  let base: string;

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    forge.givesRefreshTokens = true;
    const port = await freePort();
    base = `http://127.0.0.1:${String(port)}`;
    api = await ApiUnderTest.start(
      {
        AUTH_MODE: 'oauth',
        GITHUB_OAUTH_CLIENT_ID: 'another-client',
        GITHUB_OAUTH_CLIENT_SECRET: 'another-secret',
        GITEA_OAUTH_CLIENT_ID: CLIENT_ID,
        GITEA_OAUTH_CLIENT_SECRET: CLIENT_SECRET,
        GITEA_BASE_URL: forge.baseUrl,
        PUBLIC_URL: base,
        ALLOWED_LOGINS: 'github:other',
        ALLOWED_TEAMS: 'gitea:acme/developers',
        AUTH_FAILURE_LIMIT: '0',
        LOGIN_LIMIT: '12',
      },
      port,
    );
  });
  afterAll(async () => {
    await api?.stop();
    await forge?.stop();
  });

  const browser = (): Browser => new Browser(base, forge, new CookieJar(), 'gitea');
  const refresh = (token: string): Promise<BrowserAnswer> =>
    callWith('', 'POST', `${base}/api/sessions/refresh`, { refresh_token: token });

  it('names both forges, and no other', async () => {
    const { body } = await callWith('', 'GET', `${base}/api/sessions/oauth`);
    expect(body).toEqual({ providers: ['github', 'gitea'] });
    expect((await callWith('', 'GET', `${base}/api/sessions/oauth/gitlab`)).status).toBe(404);
  });

  it('lets in members of the team, and not who has the name of another forge', async () => {
    const gil = browser();
    await gil.logIn(GIL);
    const { body } = await gil.call('GET', '/api/sessions/me');
    expect(body).toMatchObject({ name: 'gil', role: 'viewer' });
    await expect(browser().logIn(OTHER)).rejects.toThrow(/^403/);
  });

  it('renews the tokens of the forge when they have expired, and keeps them sealed', async () => {
    const client = browser();
    const back = forge.consent(await client.begin(), GIL);
    const response = await client.comeBack(back, { accept: 'application/json' });
    const { refresh_token: first } = (await response.json()) as { refresh_token: string };
    const used = [...forge.tokens.keys()];
    const stored = JSON.stringify(await api.database.collection('users').find().toArray());
    expect(used.filter((token) => stored.includes(token))).toEqual([]);
    forge.tokens.clear();
    const { status, body } = await refresh(first);
    expect(status).toBe(200);
    expect(forge.tokens.size).toBe(1);

    forge.revoke(GIL);
    expect((await refresh(body.refresh_token)).body.details.code).toBe('access_lost');
  });

  it('has a limit of its own, beside that of all requests', async () => {
    const answers: BrowserAnswer[] = [];
    for (let count = 0; count < 13; count++) answers.push(await refresh('none'));
    expect(answers.at(-1)?.status).toBe(429);
    expect((await api.call('get', '/api/sessions/me')).status).toBe(200);
  });
});
