import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { startChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { OAuthStandIn, type StandInAccount } from '../support/oauth-stand-in.js';

const ADA: StandInAccount = { id: 583_231, login: 'Ada', name: 'Ada L.' };

/** The forge is on `localhost` and Millrace on 127.0.0.1: to a browser they are two sites. */
describeWith(
  { chromium: 'chromium' },
  {},
  'log-in in a real browser, at a forge on another site',
  () => {
    let forge: OAuthStandIn;
    let server: MillraceServer;
    let chromium: Browser;
    let base: string;
    let context: BrowserContext;
    let page: Page;

    beforeAll(async () => {
      forge = await OAuthStandIn.start();
      forge.current = ADA;
      const port = String(await freePort());
      base = `http://127.0.0.1:${port}`;
      server = await MillraceServer.start({
        workers: 0,
        environment: { ...forge.environment, PORT: port, PUBLIC_URL: base, ADMIN_LOGINS: 'ada' },
      });
      chromium = await startChromium();
    });
    afterAll(async () => {
      await chromium?.close();
      await server?.stop();
      await forge?.stop();
    });
    beforeEach(async () => {
      context = await chromium.newContext();
      page = await context.newPage();
    });
    afterEach(() => context.close());

    /** What the browser shows in the end, after all redirects. */
    const open = async (path: string, at: Page = page): Promise<Response> => {
      const response = await at.goto(base + path);
      if (response === null) throw new Error(`${path} was not opened`);
      return response;
    };
    const begin = (at: Page = page): Promise<Response> =>
      open('/api/sessions/oauth/github?return_to=/api/sessions/me', at);
    const logIn = async (): Promise<void> => {
      await begin();
      expect(new URL(page.url()).origin).toBe(forge.baseUrl);
      await page.click('#authorize');
      await page.waitForURL(`${base}/api/sessions/me`);
    };
    const me = async (): Promise<number> => (await open('/api/sessions/me')).status();
    /** What a script of a page of Millrace does. */
    const logOut = (headers: Readonly<Record<string, string>>): Promise<number> => {
      const options = JSON.stringify({ method: 'POST', headers });
      return page.evaluate<number>(
        `fetch('${base}/api/sessions/logout', ${options}).then(({ status }) => status)`,
      );
    };
    /** The cookies that the browser sends when a page of the other site makes it ask Millrace. */
    const cookiesFromForge = async (path: string, script: string): Promise<string | undefined> => {
      const foreign = await context.newPage();
      await begin(foreign);
      expect(new URL(foreign.url()).hostname).toBe('localhost');
      const asked = foreign.waitForRequest(base + path);
      await foreign.evaluate(script);
      const { cookie } = await (await asked).allHeaders();
      await foreign.close();
      return cookie;
    };

    it('comes back with a session, sees who it is, and logs out', async () => {
      await logIn();
      const told = JSON.parse((await page.textContent('body')) ?? '') as Record<string, string>;
      expect(told).toMatchObject({ kind: 'user', name: 'Ada', role: 'admin' });
      // Nothing is left of the log-in itself.
      const cookies = await context.cookies(base);
      expect(cookies).toMatchObject([
        { name: 'millrace_session', domain: '127.0.0.1', httpOnly: true, sameSite: 'Lax' },
      ]);
      expect(await page.evaluate('document.cookie')).toBe('');

      // Scripts of this page may ask the API; it need not be drawn.
      await page.goto(`${base}/api/docs`, { waitUntil: 'commit' });
      expect(await logOut({})).toBe(403);
      expect(await logOut({ 'x-csrf-token': told['csrf_token'] ?? '' })).toBe(204);
      expect(await context.cookies(base)).toEqual([]);
      // Nor is the old one good for whoever kept it.
      await context.addCookies(cookies);
      expect(await me()).toBe(401);
    });

    it('keeps its session whatever a page of another site sends', async () => {
      await logIn();
      const path = '/api/sessions/logout';
      const form = `const form = document.createElement('form');
        Object.assign(form, { method: 'post', action: '${base}${path}' });
        document.body.append(form);
        form.submit();`;
      expect(await cookiesFromForge(path, form)).toBeUndefined();
      const read = `void fetch('${base}/api/sessions/me', { credentials: 'include' }).catch(() => 0)`;
      expect(await cookiesFromForge('/api/sessions/me', read)).toBeUndefined();
      // A link brings the cookie of the session, so a GET must not end it.
      const link = `location.assign('${base}${path}')`;
      expect(await cookiesFromForge(path, link)).toMatch(/^millrace_session=/);
      expect(await me()).toBe(200);
    });

    it('completes a log-in in the browser alone that began it', async () => {
      const begun = (await begin()).url();
      const back = forge.consent(begun, ADA);
      const stranger = await chromium.newContext();
      try {
        const refused = await (await stranger.newPage()).goto(back);
        expect(refused?.status()).toBe(401);
        expect(await stranger.cookies(base)).toEqual([]);
      } finally {
        await stranger.close();
      }
      expect((await page.goto(back))?.url()).toBe(`${base}/api/sessions/me`);
    });

    it('completes two log-ins that were begun side by side', async () => {
      const second = await context.newPage();
      await begin();
      await begin(second);
      for (const each of [page, second]) {
        await each.click('#authorize');
        await each.waitForURL(`${base}/api/sessions/me`);
      }
      expect(await context.cookies(base)).toHaveLength(1);
    });
  },
);
