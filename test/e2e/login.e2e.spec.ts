import { createHash } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose, { type Connection } from 'mongoose';
import { Browser, type BrowserAnswer, callWith } from '../support/browser.js';
import { CommandLine } from '../support/command-line.js';
import type { CookieJar } from '../support/cookie-jar.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { OAuthStandIn, type StandInAccount } from '../support/oauth-stand-in.js';
import { removeTree } from '../support/remove-tree.js';
import { testServices } from '../support/services.js';

const ACME = { id: 77, login: 'acme' };
const ADA: StandInAccount = { id: 583_231, login: 'Ada', name: 'Ada L.' };
const BOB: StandInAccount = { id: 2, login: 'bob' };
const EVE: StandInAccount = { id: 666, login: 'eve' };
/** On the third page of the forge. */
const DEV: StandInAccount = {
  id: 4,
  login: 'dev',
  memberships: [
    ...[1, 2, 3, 4].map((id) => ({
      organization: { id, login: `other${String(id)}` },
      state: 'active' as const,
    })),
    { organization: ACME, state: 'active' },
  ],
};
const INVITED: StandInAccount = {
  id: 5,
  login: 'invited',
  memberships: [{ organization: ACME, state: 'pending' }],
};
/** Nothing takes it: it stays pending. */
const WAITING = 'name: waiting\nruns_on: [of-no-worker]\nsteps:\n  - run: "true"\n';

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { details: { code: unknown } }).details.code;
}

interface Tokens {
  readonly session_id: string;
  readonly access_token: string;
  readonly refresh_token: string;
}

describe('log-in at a forge that behaves as GitHub does', () => {
  let forge: OAuthStandIn;
  let server: MillraceServer;
  let database: Connection;
  let base: string;
  let first: ServerProcess | undefined;
  let second: string;
  /** What the log must never hold. */
  const secrets: string[] = [];

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    const port = String(await freePort());
    base = `http://127.0.0.1:${port}`;
    server = await MillraceServer.start({
      workers: 0,
      environment: {
        ...forge.environment,
        PORT: port,
        PUBLIC_URL: base,
        ADMIN_LOGINS: 'ada',
        ALLOWED_LOGINS: 'bob',
        ALLOWED_ORGANIZATIONS: 'acme',
        AUTH_FAILURE_LIMIT: '0',
        LOGIN_LIMIT: '0',
        CLIENT_ORIGIN: 'http://dashboard.test',
      },
    });
    first = server.api;
    await server.startApi({ PORT: '0' });
    second = server.baseUrl;
    const { mongodbUri } = testServices();
    database = await mongoose
      .createConnection(mongodbUri, { dbName: server.environment['MONGODB_DATABASE'] })
      .asPromise();
  });
  afterAll(async () => {
    await database.close();
    await first?.end();
    await server.stop();
    await forge.stop();
  });

  const browser = (jar?: CookieJar): Browser => new Browser(base, forge, jar);
  const loggedIn = async (account: StandInAccount): Promise<Browser> => {
    const made = browser();
    await made.logIn(account);
    for (const value of made.jar.cookies.values()) secrets.push(value.split('.').at(-1) ?? value);
    return made;
  };
  const tokensOf = async (account: StandInAccount): Promise<Tokens> => {
    const client = browser();
    const back = forge.consent(await client.begin(), account);
    const response = await client.comeBack(back, { accept: 'application/json' });
    const tokens = (await response.json()) as Tokens;
    secrets.push(tokens.access_token, tokens.refresh_token);
    secrets.push(new URL(back).searchParams.get('code') ?? '');
    return tokens;
  };
  const me = (token: string, at = base): Promise<BrowserAnswer> =>
    callWith(token, 'GET', `${at}/api/sessions/me`);
  const refresh = (token: string, at = base): Promise<BrowserAnswer> =>
    callWith('', 'POST', `${at}/api/sessions/refresh`, { refresh_token: token });

  it('leads to the forge with a state, PKCE and no more rights than it needs', async () => {
    const url = new URL(await browser().begin());
    expect(url.origin + url.pathname).toBe(`${forge.baseUrl}/login/oauth/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'stand-in-client',
      redirect_uri: `${base}/api/sessions/oauth/github/callback`,
      scope: 'read:org',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('makes a session of the browser, which all API processes know, until the log-out', async () => {
    const ada = browser();
    const response = await ada.logIn(ADA, '?return_to=/api/docs');
    expect(response.headers.get('location')).toBe(`${base}/api/docs`);
    const cookie = response.headers.getSetCookie().find((each) => each.includes('session='));
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/);
    expect((await ada.call('GET', '/api/sessions/me')).body).toMatchObject({
      kind: 'user',
      name: 'Ada',
      role: 'admin',
    });
    const elsewhere = await ada.jar.copy().fetch(`${second}/api/sessions/me`);
    expect(elsewhere.status).toBe(200);

    const stolen = browser(ada.jar.copy());
    // Without the header that only its own page can send.
    expect((await stolen.call('POST', '/api/sessions/logout')).body.details.code).toBe('csrf');
    expect((await ada.call('POST', '/api/sessions/logout')).status).toBe(204);
    expect((await stolen.call('GET', '/api/sessions/me')).status).toBe(401);
  });

  it('makes tokens for a client, which are rotated, and revoked all when one comes again', async () => {
    const first = await tokensOf(BOB);
    expect((await me(first.access_token, second)).body).toMatchObject({ name: 'bob' });
    // Of several at once, at whatever process, all get the same.
    const [one, other] = await Promise.all([
      refresh(first.refresh_token),
      refresh(first.refresh_token, second),
    ]);
    expect(one.status).toBe(200);
    expect(other.body).toEqual(one.body);
    const next = one.body as Tokens;
    secrets.push(next.access_token, next.refresh_token);
    expect(next.refresh_token).not.toBe(first.refresh_token);
    expect((await me(next.access_token)).status).toBe(200);

    // As if the moment in which it may be repeated were over.
    await database
      .collection<{ _id: string }>('sessions')
      .updateOne({ _id: first.session_id }, { $set: { rotations: [] } });
    expect((await refresh(first.refresh_token, second)).status).toBe(401);
    expect((await refresh(next.refresh_token)).status).toBe(401);
    expect((await me(next.access_token)).status).toBe(401);
    expect((await me(first.access_token, second)).status).toBe(401);
  });

  it('takes a state in the browser that began it alone, once, and a code once', async () => {
    const ada = browser();
    const begun = await ada.begin();
    const back = forge.consent(begun, ADA);
    // The codes are in the JSON; a browser is shown pages.
    const json = { accept: 'application/json' };
    const stranger = await browser().comeBack(back, json);
    expect([stranger.status, await codeOf(stranger)]).toEqual([401, 'bad_state']);
    const replaying = browser(ada.jar.copy());
    expect((await ada.comeBack(back)).status).toBe(303);
    // With a code that is good: the state alone is used.
    const withNewCode = new URL(forge.consent(begun, ADA));
    const replayed = await replaying.comeBack(withNewCode.href, json);
    expect([replayed.status, await codeOf(replayed)]).toEqual([401, 'bad_state']);

    const again = new URL(back);
    const state = new URL(await ada.begin()).searchParams.get('state') ?? '';
    again.searchParams.set('state', state);
    const used = await ada.comeBack(again.href, json);
    expect([used.status, await codeOf(used)]).toEqual([401, 'bad_code']);
    const forged = new URL(back);
    forged.searchParams.set('state', 'x'.repeat(43));
    expect((await ada.comeBack(forged.href)).status).toBe(401);
  });

  it.each(['https://evil.test/', '//evil.test/', '/\\evil.test', 'javascript:alert(1)'])(
    'leads nobody to %s',
    async (target) => {
      const query = `?return_to=${encodeURIComponent(target)}`;
      await expect(browser().begin(query)).rejects.toThrow(/^400/);
    },
  );

  it('lets in active members, on whatever page the forge lists them, and nobody else', async () => {
    expect((await (await loggedIn(DEV)).call('GET', '/api/sessions/me')).body.role).toBe('viewer');
    for (const account of [EVE, INVITED]) {
      await expect(browser().logIn(account)).rejects.toThrow(/^403[^]*may not log in here/);
    }
  });

  it('refuses a login name that another account of the forge has had before', async () => {
    await loggedIn(BOB);
    await expect(browser().logIn({ id: 9_999, login: 'bob' })).rejects.toThrow(/^403/);
    await expect(browser().logIn({ id: 9_998, login: 'ADA' })).rejects.toThrow(/^403/);
  });

  it('lists the sessions of one, and ends one or all', async () => {
    const tokens = [await tokensOf(BOB), await tokensOf(BOB), await tokensOf(BOB)];
    const [mine = '', other = '', third = ''] = tokens.map((each) => each.access_token);
    const { body } = await callWith(mine, 'GET', `${base}/api/sessions/list`);
    const listed = body.items as { id: string; current: boolean }[];
    expect(listed.map(({ id }) => id)).toEqual(
      expect.arrayContaining(tokens.map(({ session_id }) => session_id)),
    );
    expect(listed.filter(({ current }) => current)).toHaveLength(1);

    const one = `${base}/api/sessions/${tokens[1]?.session_id ?? ''}`;
    expect((await callWith(mine, 'DELETE', one)).status).toBe(204);
    expect((await me(other)).status).toBe(401);
    expect((await me(third)).status).toBe(200);
    expect((await callWith(mine, 'DELETE', `${base}/api/sessions`)).status).toBe(204);
    expect([(await me(mine)).status, (await me(third)).status]).toEqual([401, 401]);
  });

  it('hands a log-in over to the command line that waits for it, and to nobody else', async () => {
    const verifier = 'a-secret-of-the-command-line-that-nobody-else-knows';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const bob = browser();
    const query = `?cli_port=4711&cli_state=mine&cli_challenge=${challenge}`;
    const response = await bob.comeBack(forge.consent(await bob.begin(query), BOB));
    const location = new URL(response.headers.get('location') ?? '');
    expect(location.origin).toBe('http://127.0.0.1:4711');
    expect(location.searchParams.get('state')).toBe('mine');
    const code = location.searchParams.get('code');
    const take = (secret: string): Promise<BrowserAnswer> =>
      callWith('', 'POST', `${second}/api/sessions/token`, { code, verifier: secret });
    expect((await take('another')).status).toBe(401);
    const { status, body } = await take(verifier);
    expect(status).toBe(200);
    expect((await me((body as Tokens).access_token)).body.name).toBe('bob');
    expect((await take(verifier)).status).toBe(401);
  });

  it('logs the command line in by the browser, and out', async () => {
    const home = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
    try {
      // Nobody is at a browser here.
      const cli = new CommandLine(home, { BROWSER: 'true' });
      const running = cli.start(['login', base, '--web']);
      const address = await eventually(
        async () => /http\S+cli_port=\S+/.exec(running.stderr())?.[0],
      );
      const bob = browser();
      const response = await bob.comeBack(
        forge.consent(await bob.begin(new URL(address).search), BOB),
      );
      const waiting = response.headers.get('location') ?? '';
      const forged = new URL(waiting);
      forged.searchParams.set('state', 'forged');
      expect((await fetch(forged)).status).toBe(400);
      expect((await fetch(waiting)).status).toBe(200);
      const { code, stdout } = await running.ended;
      expect([code, stdout]).toEqual([0, expect.stringContaining(`Logged in to ${base} as bob`)]);

      const { token } = JSON.parse(
        await readFile(join(home, '.config/millrace/logins.json'), 'utf8'),
      ).servers[base] as { token: string };
      expect((await cli.run(['pipelines', '--json'])).code).toBe(0);
      // The session that it was made in is over, the token is left.
      const listed = await callWith(token, 'GET', `${base}/api/tokens`);
      expect(listed.body.items).toHaveLength(1);
      expect((await cli.run(['logout'])).stdout).toContain('is revoked and forgotten');
      expect((await me(token)).status).toBe(401);
    } finally {
      await removeTree(home);
    }
  });

  it('denies and allows by role, from the next request on', async () => {
    const ada = await loggedIn(ADA);
    const { access_token: token } = await tokensOf(DEV);
    const create = (): Promise<BrowserAnswer> =>
      callWith(token, 'POST', `${base}/api/ci/pipelines`, { yaml_content: WAITING });
    expect((await create()).body.details).toMatchObject({
      code: 'scope_missing',
      role: 'viewer',
    });
    const id = (await me(token)).body.id as string;
    const asDeveloper = await ada.call('PATCH', `/api/users/${id}`, { role: 'developer' });
    expect(asDeveloper.status).toBe(200);
    expect((await create()).status).toBe(201);
    expect((await callWith(token, 'GET', `${base}/api/users`)).status).toBe(403);
    await ada.call('PATCH', `/api/users/${id}`, { role: null });
    expect((await create()).status).toBe(403);
  });

  it('ends an event stream when the session of its reader has ended', async () => {
    const pipeline = await server.createPipeline(WAITING);
    const execution = await server.trigger(pipeline);
    const { access_token: token, session_id: session } = await tokensOf(DEV);
    const ended = new Promise<void>((resolve, reject) => {
      const url = `${base}/api/ci/executions/${execution}/events`;
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
      request(url, { headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(String(response.statusCode)));
        response.once('data', () => {
          callWith(token, 'DELETE', `${base}/api/sessions/${session}`).catch(reject);
        });
        response.resume();
        response.once('close', resolve);
      })
        .on('error', reject)
        .end();
    });
    await ended;
    expect((await me(token)).status).toBe(401);
  });

  it('takes everything from whom the forge does not know any more', async () => {
    const gone: StandInAccount = { ...DEV, id: 44, login: 'gone' };
    const { access_token: token, refresh_token } = await tokensOf(gone);
    const other = await tokensOf(gone);
    expect((await me(token)).status).toBe(200);
    gone.memberships = [];
    expect((await refresh(refresh_token)).body.details.code).toBe('access_lost');
    expect((await me(token)).status).toBe(401);
    expect((await me(other.access_token)).status).toBe(401);
  });

  it('answers pages of CLIENT_ORIGIN with credentials, and of no other origin', async () => {
    const ada = await loggedIn(ADA);
    const ask = (origin: string): Promise<Response> =>
      ada.jar.fetch(`${base}/api/sessions/me`, { headers: { origin } });
    const { status, headers } = await ask('http://dashboard.test');
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe('http://dashboard.test');
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect((await ask('http://evil.test')).status).toBe(403);
  });

  it('keeps secrets out of the log and the database', async () => {
    for (const token of forge.tokens.keys()) secrets.push(token);
    expect(secrets.length).toBeGreaterThan(10);
    const stored = await Promise.all(
      ['sessions', 'users', 'tokens', 'used_once', 'login_bindings'].map((name) =>
        database.collection(name).find().toArray(),
      ),
    );
    const log = await eventually(async () => {
      const text = server.processes.map((each) => each.output()).join('');
      return text.includes('logged_in') ? text : undefined;
    });
    const everything = JSON.stringify(stored) + log;
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
  });
});
