import { createHash } from 'node:crypto';
import { standIn } from '../../../test/support/stand-in.js';
import type { AuthEvents } from '../principals/auth-events.js';
import { type Principal, principalOf } from '../principals/principal.js';
import type { ServiceAccountDocument } from '../service-accounts/service-account.schema.js';
import type { ServiceAccountsService } from '../service-accounts/service-accounts.service.js';
import type { UserDocument } from '../users/user.schema.js';
import type { UsersRepository } from '../users/users.repository.js';
import type { TokenDocument } from './token.schema.js';
import type { TokensRepository } from './tokens.repository.js';
import { MAX_TOKENS, TokensService } from './tokens.service.js';

const ADA = { id: 'ada', kind: 'user', role: 'developer' } as const;
const session = { kind: 'session', id: 's', by: 'cookie' } as const;
const loggedIn = principalOf({ ...ADA, credential: session });
const REQUEST = { name: 'mine', scopes: ['executions:read'], days: 30 } as const;

describe('TokensService', () => {
  let stored: TokenDocument[];
  let count: number;
  let told: unknown[];
  let tokens: TokensService;

  beforeEach(() => {
    stored = [];
    count = 0;
    told = [];
    tokens = new TokensService(
      standIn<TokensRepository>({
        count: async () => count,
        insert: async (token) => void stored.push(token),
      }),
      standIn<UsersRepository>({ find: async () => ({ generation: 3 }) as UserDocument }),
      standIn<ServiceAccountsService>({
        get: async (id) => ({ _id: id }) as ServiceAccountDocument,
      }),
      standIn<AuthEvents>({ record: (event) => void told.push(event) }),
    );
  });

  it.each([
    ['a user', () => tokens.makePersonal(loggedIn, REQUEST)],
    ['a service account', () => tokens.makeOfAccount(loggedIn, 'robot', REQUEST)],
  ])('stores the hash of a token of %s, and tells its text to its maker alone', async (...row) => {
    const { document, text } = await row[1]();
    expect(stored).toEqual([document]);
    expect(document.secret_hash).toBe(createHash('sha256').update(text).digest('hex'));
    const head = `mrt_${document._id.replaceAll('-', '')}_`;
    expect(text.slice(0, head.length)).toBe(head);
    expect(JSON.stringify([stored, told])).not.toContain(text.slice(head.length));
  });

  it('makes a token that ends with the credentials of its owner, and with its days', async () => {
    const { document } = await tokens.makePersonal(loggedIn, REQUEST);
    expect(document).toMatchObject({ owner_kind: 'user', owner_id: 'ada', owner_generation: 3 });
    const ms = document.expires_at.getTime() - document.created_at.getTime();
    expect(ms).toBe(30 * 24 * 3600 * 1000);
  });

  it.each<[string, Principal]>([
    ['a token', principalOf({ ...ADA, credential: { kind: 'token', id: 't' } })],
    ['no log-in', principalOf(ADA)],
    ['a session that is of no user', principalOf({ ...ADA, kind: 'token', credential: session })],
  ])('makes no personal token for whoever has %s', async (_what, maker) => {
    await expect(tokens.makePersonal(maker, REQUEST)).rejects.toMatchObject({
      details: { code: 'session_required' },
    });
    expect(stored).toEqual([]);
  });

  it('makes none that may do more than its maker, and no more than there may be', async () => {
    const wide = { ...REQUEST, scopes: ['users:write'] } as const;
    const refused = { details: { code: 'scopes_too_wide' } };
    await expect(tokens.makePersonal(loggedIn, wide)).rejects.toMatchObject(refused);
    await expect(tokens.makeOfAccount(loggedIn, 'robot', wide)).rejects.toMatchObject(refused);
    count = MAX_TOKENS;
    await expect(tokens.makePersonal(loggedIn, REQUEST)).rejects.toMatchObject({
      details: { code: 'too_many_tokens' },
    });
    expect(stored).toEqual([]);
  });
});
