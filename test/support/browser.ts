import { CookieJar } from './cookie-jar.js';
import type { OAuthStandIn, StandInAccount } from './oauth-stand-in.js';

export interface BrowserAnswer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Specs look at any body.
  readonly body: any;
}

/** A browser with a page of Millrace: it keeps cookies, and sends what such a page sends. */
export class Browser {
  readonly jar: CookieJar;
  private csrf = '';

  /** @param base of Millrace */
  constructor(
    private readonly base: string,
    private readonly forge: OAuthStandIn,
    jar = new CookieJar(),
    private readonly provider: 'github' | 'gitea' = 'github',
  ) {
    this.jar = jar;
  }

  /** Up to the page of the forge. @returns its address */
  async begin(query = ''): Promise<string> {
    const response = await this.jar.fetch(
      `${this.base}/api/sessions/oauth/${this.provider}${query}`,
    );
    const location = response.headers.get('location');
    if (response.status !== 303 || location === null) {
      throw new Error(`${String(response.status)}: ${await response.text()}`);
    }
    return location;
  }

  /** Back from the forge. */
  async comeBack(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.jar.fetch(url, { headers: { accept: 'text/html,*/*', ...headers } });
  }

  /** The whole log-in, which must succeed. */
  async logIn(account: StandInAccount, query = ''): Promise<Response> {
    const response = await this.comeBack(this.forge.consent(await this.begin(query), account));
    if (response.status !== 303) {
      throw new Error(`${String(response.status)}: ${await response.text()}`);
    }
    const { body } = await this.call('GET', '/api/sessions/me');
    this.csrf = (body as { csrf_token: string }).csrf_token;
    return response;
  }

  async call(method: string, path: string, body?: unknown): Promise<BrowserAnswer> {
    const response = await this.jar.fetch(this.base + path, {
      method,
      headers: {
        ...(method !== 'GET' && { 'x-csrf-token': this.csrf }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  }
}

/** A request of a program, which has no cookies. */
export async function callWith(
  token: string,
  method: string,
  url: string,
  body?: unknown,
): Promise<BrowserAnswer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return answerOf(response);
}

async function answerOf(response: Response): Promise<BrowserAnswer> {
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
