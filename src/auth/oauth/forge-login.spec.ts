import type { Request } from 'express';
import { createHash } from 'node:crypto';
import { CLIENT_ID, CLIENT_SECRET, OAuthStandIn } from '../../../test/support/oauth-stand-in.js';
import { standIn } from '../../../test/support/stand-in.js';
import { ForgeLogin, type LoginStateStore, type LoginStep } from './forge-login.js';

const CALLBACK = 'https://ci.example.org/api/sessions/oauth/callback';
const ADA = { id: 1, login: 'ada' };

describe.each(['github', 'gitea'] as const)('a log-in at %s', (forge) => {
  let server: OAuthStandIn;
  let login: ForgeLogin;
  let verifier: string;
  const states: LoginStateStore = {
    begin: (made) => {
      verifier = made;
      return 'the-state';
    },
    end: async (state) => (state === 'the-state' ? verifier : undefined),
  };

  beforeAll(async () => {
    server = await OAuthStandIn.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    verifier = '';
    server.lastTokenRequest = undefined;
    login = new ForgeLogin({
      forge,
      baseUrl: server.baseUrl,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackUrl: CALLBACK,
      scopes: [],
    });
  });

  const step = (query: Readonly<Record<string, string>>): Promise<LoginStep> =>
    login.step(standIn<Request>({ headers: {}, query }), states);
  const begin = async (): Promise<URL> => {
    const begun = await step({});
    if (begun.kind !== 'redirect') throw new Error(`it began with ${begun.kind}`);
    return new URL(begun.url);
  };
  const comeBack = (url: string): Promise<LoginStep> =>
    step(Object.fromEntries(new URL(url).searchParams));

  it('sends the SHA-256 of a new secret there, and never the secret itself', async () => {
    const url = await begin();
    expect(verifier.length).toBeGreaterThanOrEqual(43);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      code_challenge_method: 'S256',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      state: 'the-state',
      redirect_uri: CALLBACK,
    });
    expect(url.href).not.toContain(verifier);
    const first = verifier;
    await begin();
    expect(verifier).not.toBe(first);
  });

  it('exchanges the code with that secret', async () => {
    const back = server.consent((await begin()).href, ADA);
    expect(await comeBack(back)).toMatchObject({ kind: 'tokens' });
    expect(server.lastTokenRequest?.get('code_verifier')).toBe(verifier);
  });

  it('gives nobody tokens for a code of another log-in, or a state that is not good', async () => {
    const stolen = server.consent((await begin()).href, ADA);
    await begin();
    expect(await comeBack(stolen)).toEqual({ kind: 'refused', reason: 'bad_code' });
    server.lastTokenRequest = undefined;
    const foreign = stolen.replace('the-state', 'another-state');
    expect(await comeBack(foreign)).toEqual({ kind: 'refused', reason: 'bad_state' });
    expect(server.lastTokenRequest).toBeUndefined();
  });
});
