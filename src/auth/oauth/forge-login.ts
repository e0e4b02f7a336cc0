import type { Request } from 'express';
import { Passport } from 'passport';
import { Strategy as GitHubStrategy } from 'passport-github2';
import OAuth2Strategy from 'passport-oauth2';
import { CheckedHttp, HttpFailure } from '../../common/net/checked-http.js';
import { AddressPolicy } from '../../common/net/address-policy.js';
import type { ForgeTokens } from '../../integrations/forge/forge-accounts.js';

/** Where people of a forge log in, and with which application. */
export interface ForgeLoginOptions {
  readonly forge: 'github' | 'gitea';
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly callbackUrl: string;
  readonly scopes: readonly string[];
  /** Certificates of CAs, in PEM form. */
  readonly ca?: string;
}

/** Keeps a `state` from the beginning of a log-in to its end. */
export interface LoginStateStore {
  /** @returns the new `state` */
  begin(verifier: string): string;
  /** The verifier of a `state` that is good; undefined for any other. */
  end(state: string): Promise<string | undefined>;
}

/** How far a log-in has come. */
export type LoginStep =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'tokens'; readonly tokens: ForgeTokens }
  | { readonly kind: 'refused'; readonly reason: 'denied' | 'bad_state' | 'bad_code' }
  | { readonly kind: 'forge_away'; readonly cause: unknown };

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;

type Handler = (request: Request, answer: object, next: (error: unknown) => void) => void;
type Callback = (error: unknown, result?: string, response?: unknown) => void;

/** The part of `oauth` that sends requests; it would wait for an answer without end. */
interface OAuth2Client {
  _request(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    access: string | null,
    callback: Callback,
  ): void;
}

/**
 * OAuth with one forge: an authorization code with PKCE (S256). The strategies of Passport do it;
 * one is made for each request, since they keep values of the request.
 */
export class ForgeLogin {
  private readonly http: CheckedHttp;

  constructor(private readonly options: ForgeLoginOptions) {
    // The operator has named the forge, wherever it is.
    this.http = new CheckedHttp(new AddressPolicy(['all']), {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      ...(options.ca !== undefined && { ca: options.ca }),
    });
  }

  /** To the forge, or with a `code` in the query back from it. */
  step(request: Request, states: LoginStateStore): Promise<LoginStep> {
    return new Promise((resolve, reject) => {
      const strategy = this.strategy(states, (tokens) => resolve({ kind: 'tokens', tokens }));
      const ended = (
        error: Error | null,
        user?: unknown,
        _challenge?: unknown,
        status?: number | (number | undefined)[],
      ): void => {
        const failure = error === null ? undefined : failureOf(error);
        if (failure !== undefined) resolve(failure);
        else if (error !== null) reject(error);
        else if (!user)
          resolve({ kind: 'refused', reason: status === 403 ? 'bad_state' : 'denied' });
      };
      // What is answered is ours to say: of a redirect only its place is taken.
      const place = (name: string, value: string): void => {
        if (name === 'Location') resolve({ kind: 'redirect', url: value });
      };
      const answer = { statusCode: 0, setHeader: place, end: () => undefined };
      const authenticate = new Passport().authenticate(
        strategy,
        { session: false },
        ended,
      ) as Handler;
      authenticate(request, answer, reject);
    });
  }

  private strategy(
    states: LoginStateStore,
    onTokens: (tokens: ForgeTokens) => void,
  ): OAuth2Strategy {
    const { baseUrl, clientId, clientSecret, callbackUrl, scopes, forge } = this.options;
    const options = {
      authorizationURL: `${baseUrl}/login/oauth/authorize`,
      tokenURL: `${baseUrl}/login/oauth/access_token`,
      clientID: clientId,
      clientSecret,
      callbackURL: callbackUrl,
      scope: [...scopes],
      customHeaders: { Accept: 'application/json', 'User-Agent': 'millrace' },
      pkce: true,
      store: stateStoreOf(states),
      // Who it is, is asked by our own client, at the log-in and later.
      skipUserProfile: true,
    };
    const verify = (
      access: unknown,
      refresh: unknown,
      _profile: unknown,
      done: (error: Error | null, user?: object) => void,
    ): void => {
      if (typeof access !== 'string') return done(new HttpFailure('the forge gives no token'));
      onTokens({ access, refresh: typeof refresh === 'string' ? refresh : null });
      done(null, {});
    };
    const strategy: OAuth2Strategy =
      forge === 'github'
        ? new GitHubStrategy(options as never, verify as never)
        : new OAuth2Strategy(options as never, verify as never);
    const client = (strategy as unknown as { readonly _oauth2: OAuth2Client })._oauth2;
    client._request = (method, url, headers, body, _access, callback) => {
      this.send(method, url, headers, body).then(
        (text) => callback(null, text),
        (error: unknown) => callback(error),
      );
    };
    return strategy;
  }

  private async send(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<string> {
    const answer = await this.http.send({
      method,
      url,
      headers: { Accept: 'application/json', 'User-Agent': 'millrace', ...headers },
      body,
    });
    if (answer.status >= 500) throw new HttpFailure(`the forge has answered ${answer.status}`);
    // A refusal says why in its body, whatever its status is.
    return answer.body;
  }
}

/** Passport tells by the number of parameters which form a store has. */
function stateStoreOf(states: LoginStateStore): object {
  return {
    store: (
      _request: Request,
      verifier: string,
      _state: unknown,
      _meta: unknown,
      done: (error: unknown, state?: string) => void,
    ): void => done(null, states.begin(verifier)),
    verify: (
      _request: Request,
      state: string,
      _meta: unknown,
      done: (error: unknown, verifier?: string | false, info?: unknown) => void,
    ): void => {
      states.end(state).then(
        (verifier) => done(null, verifier ?? false, {}),
        (error: unknown) => done(error),
      );
    },
  };
}

/** Undefined for what is neither the forge's nor the user's doing. */
function failureOf(error: Error): LoginStep | undefined {
  // Where `send` threw, the libraries wrap it.
  const { oauthError = error } = error as { readonly oauthError?: unknown };
  if (oauthError instanceof HttpFailure) return { kind: 'forge_away', cause: oauthError };
  return isRefusal(error) ? { kind: 'refused', reason: 'bad_code' } : undefined;
}

function isRefusal({ name, message }: Error): boolean {
  if (name === 'TokenError' || name === 'AuthorizationError') return true;
  return message === 'Failed to obtain access token';
}
