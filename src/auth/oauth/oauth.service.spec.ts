import type { Request } from 'express';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { AuthEvents } from '../principals/auth-events.js';
import type { AccessCheck } from '../users/access-check.js';
import type { CliLoginCodes } from './cli-login-codes.js';
import type { ForgeLogin } from './forge-login.js';
import type { LoginForges } from './login-forges.js';
import type { BegunLogin, LoginStates } from './login-states.js';
import { OAuthService } from './oauth.service.js';

describe('OAuthService', () => {
  let begun: BegunLogin[];
  let service: OAuthService;

  beforeEach(() => {
    begun = [];
    const login = standIn<ForgeLogin>({
      step: async (_request, states) => {
        return { kind: 'redirect', url: `https://forge.example/?state=${states.begin('v')}` };
      },
    });
    service = new OAuthService(
      standIn<LoginForges>({ named: () => ({ forge: 'github', login }) }),
      standIn<LoginStates>({
        begin: (_forge, goal) => {
          begun.push(goal);
          return { state: 'the-state', setCookies: ['a=b'] };
        },
      }),
      standIn<CliLoginCodes>({}),
      standIn<AccessCheck>({}),
      standIn<AuthEvents>({}),
      { publicUrl: 'https://ci.example.org' } as MillraceConfig,
    );
  });

  const begin = (returnTo?: string): Promise<unknown> =>
    service.begin('github', standIn<Request>({ headers: {} }), returnTo, undefined);

  it.each([
    [undefined, 'https://ci.example.org/api/sessions/me'],
    ['/api/docs?a=b#c', 'https://ci.example.org/api/docs?a=b#c'],
  ])('begins a log-in that leads to a path of this server: %p', async (returnTo, address) => {
    expect(await begin(returnTo)).toEqual({
      url: 'https://forge.example/?state=the-state',
      setCookies: ['a=b'],
    });
    expect(begun).toEqual([{ returnTo: address, verifier: 'v' }]);
  });

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'evil', ''])(
    'begins none that leads elsewhere: %j',
    async (returnTo) => {
      await expect(begin(returnTo)).rejects.toMatchObject({
        kind: 'ValidationError',
        details: [{ path: 'return_to' }],
      });
      expect(begun).toEqual([]);
    },
  );
});
