import { SCOPES_OF_ROLE } from '../policy/policy.js';
import { OpenAuthenticator, TokenAuthenticator } from './authenticator.js';
import { principalOf } from './principal.js';

describe('TokenAuthenticator', () => {
  const authenticator = new TokenAuthenticator('a-token-of-a-fair-length');

  it.each(['Bearer a-token-of-a-fair-length', 'bearer  a-token-of-a-fair-length'])(
    'knows %j',
    async (authorization) => {
      expect(await authenticator.identify({ authorization, cookie: undefined })).toEqual(
        principalOf({ id: 'token', kind: 'token', role: 'admin' }),
      );
    },
  );

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a-token',
    'Bearer a-token-of-a-fair-length x',
    'Bearer A-TOKEN-OF-A-FAIR-LENGTH',
    'Basic a-token-of-a-fair-length',
    'a-token-of-a-fair-length',
  ])('does not know %j', async (authorization) => {
    expect(await authenticator.identify({ authorization, cookie: undefined })).toBeUndefined();
  });
});

it('OpenAuthenticator knows everybody', async () => {
  expect(await new OpenAuthenticator().identify()).toEqual(
    principalOf({ id: 'anonymous', kind: 'anonymous', role: 'admin' }),
  );
});

describe('principalOf', () => {
  const developer = { id: 'ada', kind: 'token', role: 'developer' } as const;

  it('has the scopes of its role', () => {
    expect([...principalOf(developer).scopes]).toEqual(SCOPES_OF_ROLE.developer);
  });

  it('has fewer by a narrower token, and never more', () => {
    const { scopes } = principalOf(developer, ['executions:cancel', 'workers:drain']);
    expect([...scopes]).toEqual(['executions:cancel']);
    expect(principalOf(developer, []).scopes.size).toBe(0);
  });
});
