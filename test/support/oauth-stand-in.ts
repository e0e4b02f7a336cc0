import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** An account of the stand-in, and what it belongs to. */
export interface StandInAccount {
  readonly id: number;
  login: string;
  name?: string | null;
  email?: string | null;
  /** Of an organization: `active` or `pending`. */
  memberships?: { organization: { id: number; login: string }; state: 'active' | 'pending' }[];
  teams?: {
    id: number;
    slug: string;
    organization: { id: number; login: string };
    state: 'active' | 'pending';
  }[];
}

interface Grant {
  readonly account: StandInAccount;
  readonly challenge: string;
  readonly redirectUri: string;
  readonly scope: string;
  used: boolean;
}

export const CLIENT_ID = 'stand-in-client';
export const CLIENT_SECRET = 'stand-in-secret-of-the-client';
const PAGE = 2;

/**
 * An OAuth server that behaves as GitHub does, on loopback, under another site than Millrace
 * (`localhost`, not 127.0.0.1): a page on which the user consents, codes that are good once and for
 * one redirect URI, PKCE, refusals in answers of 200, and the part of the API that tells who
 * somebody is. Pages of lists are short.
 */
export class OAuthStandIn {
  /** Who is logged in at the forge, in whatever browser comes. */
  current: StandInAccount | undefined;
  /** Every request to the API, by its path with query. */
  readonly asked: string[] = [];
  /** What all requests to the API are answered with instead. */
  refusal: number | undefined;
  /** Of the token requests. */
  lastTokenRequest: URLSearchParams | undefined;
  /** Access tokens are good for the API until they are taken out. */
  readonly tokens = new Map<string, StandInAccount>();
  private readonly grants = new Map<string, Grant>();
  private readonly refreshTokens = new Map<string, StandInAccount>();
  /** As Gitea and GitHub Apps do it. */
  givesRefreshTokens = false;

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<OAuthStandIn> {
    const server = http.createServer();
    const self = new OAuthStandIn(server);
    server.on('request', (request, response) => void self.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get baseUrl(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      AUTH_MODE: 'oauth',
      GITHUB_OAUTH_CLIENT_ID: CLIENT_ID,
      GITHUB_OAUTH_CLIENT_SECRET: CLIENT_SECRET,
      GITHUB_BASE_URL: this.baseUrl,
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** What the user's click on the page of the forge does: the address that it leads back to. */
  consent(authorizeUrl: string, account: StandInAccount): string {
    const query = new URL(authorizeUrl).searchParams;
    const redirect = new URL(query.get('redirect_uri') ?? '');
    const code = randomBytes(10).toString('hex');
    this.grants.set(code, {
      account,
      challenge: query.get('code_challenge') ?? '',
      redirectUri: redirect.href,
      scope: query.get('scope') ?? '',
      used: false,
    });
    redirect.searchParams.set('code', code);
    redirect.searchParams.set('state', query.get('state') ?? '');
    return redirect.href;
  }

  /** Ends the grants of an account: its tokens are good for nothing. */
  revoke(account: StandInAccount): void {
    for (const map of [this.tokens, this.refreshTokens]) {
      for (const [token, owner] of map) if (owner === account) map.delete(token);
    }
  }

  private async answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const url = new URL(request.url ?? '/', this.baseUrl);
    const body = Buffer.concat(parts).toString();
    if (url.pathname === '/login/oauth/authorize') return this.authorize(request, url, response);
    if (url.pathname === '/login/oauth/access_token') {
      return send(response, 200, this.exchange(new URLSearchParams(body)));
    }
    if (url.pathname.startsWith('/api/v3/') || url.pathname.startsWith('/api/v1/')) {
      return this.api(request, url, response);
    }
    send(response, 404, { message: 'Not Found' });
  }

  private authorize(request: http.IncomingMessage, url: URL, response: http.ServerResponse): void {
    const query = url.searchParams;
    const isGood =
      query.get('client_id') === CLIENT_ID &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256';
    if (!isGood || this.current === undefined) {
      return send(response, 400, { message: 'bad request, or nobody is logged in' });
    }
    if (request.method === 'POST') {
      response.writeHead(302, { location: this.consent(url.href, this.current) }).end();
      return;
    }
    const action = url.href.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(
      `<!doctype html><title>Authorize</title><form method="post" action="${action}"><button id="authorize">Authorize</button></form>`,
    );
  }

  private exchange(form: URLSearchParams): object {
    this.lastTokenRequest = form;
    if (form.get('client_id') !== CLIENT_ID || form.get('client_secret') !== CLIENT_SECRET) {
      return { error: 'incorrect_client_credentials', error_description: 'wrong' };
    }
    if (form.get('grant_type') === 'refresh_token') {
      const owner = this.refreshTokens.get(form.get('refresh_token') ?? '');
      if (owner === undefined) return { error: 'bad_refresh_token' };
      this.refreshTokens.delete(form.get('refresh_token') ?? '');
      return this.tokensFor(owner, '');
    }
    const grant = this.grants.get(form.get('code') ?? '');
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const isGood =
      grant !== undefined &&
      !grant.used &&
      grant.redirectUri === form.get('redirect_uri') &&
      grant.challenge === challenge;
    if (!isGood) {
      return { error: 'bad_verification_code', error_description: 'The code is wrong or expired.' };
    }
    grant.used = true;
    return this.tokensFor(grant.account, grant.scope);
  }

  private tokensFor(account: StandInAccount, scope: string): object {
    const access = `gho_${randomBytes(12).toString('hex')}`;
    this.tokens.set(access, account);
    if (!this.givesRefreshTokens) return { access_token: access, token_type: 'bearer', scope };
    const refresh = `ghr_${randomBytes(12).toString('hex')}`;
    this.refreshTokens.set(refresh, account);
    return { access_token: access, token_type: 'bearer', scope, refresh_token: refresh };
  }

  private api(request: http.IncomingMessage, url: URL, response: http.ServerResponse): void {
    const path = url.pathname.replace(/^\/api\/v[13]/, '');
    this.asked.push(path + url.search);
    if (this.refusal !== undefined) return send(response, this.refusal, { message: 'refused' });
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const account = this.tokens.get(token);
    if (account === undefined) return send(response, 401, { message: 'Bad credentials' });
    const { id, login, name = null, email = null, memberships = [], teams = [] } = account;
    if (path === '/user') return send(response, 200, { id, login, name, email, full_name: name });
    if (path === '/user/memberships/orgs') return this.page(response, url, memberships);
    if (path === '/user/orgs') {
      const active = memberships.filter(({ state }) => state === 'active');
      const entries = active.map(({ organization }) => organization);
      return this.page(
        response,
        url,
        entries.map((each) => ({ ...each, username: each.login })),
      );
    }
    if (path === '/user/teams') return this.page(response, url, teams.map(asBothForgesDo));
    const asked = /^\/orgs\/([^/]+)\/teams\/([^/]+)\/memberships\/([^/]+)$/.exec(path);
    const team = teams.find(
      (each) => each.organization.login === asked?.[1] && each.slug === asked[2],
    );
    if (team === undefined || asked?.[3] !== login) return send(response, 404, {});
    send(response, 200, { state: team.state, role: 'member' });
  }

  private page(response: http.ServerResponse, url: URL, entries: readonly object[]): void {
    const number = Number(url.searchParams.get('page') ?? '1');
    const part = entries.slice((number - 1) * PAGE, number * PAGE);
    const hasNext = entries.length > number * PAGE;
    const next = new URL(url);
    next.searchParams.set('page', String(number + 1));
    const headers = hasNext ? { link: `<${next.href}>; rel="next"` } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(part));
  }
}

/** GitHub has `slug` and `login`, Gitea `name` and `username`. */
function asBothForgesDo(team: NonNullable<StandInAccount['teams']>[number]): object {
  const { organization, slug } = team;
  return { ...team, name: slug, organization: { ...organization, username: organization.login } };
}

function send(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
