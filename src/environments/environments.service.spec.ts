import { standIn } from '../../test/support/stand-in.js';
import type { Account, Accounts } from '../auth/accounts/accounts.js';
import type { MillraceError } from '../common/errors/millrace.error.js';
import { EnvironmentsService } from './environments.service.js';
import { MemoryEnvironmentStore } from './memory-environment-store.fixture.js';

const ADA = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const user = (id: string, login: string): Account => ({
  ...{ id, login, kind: 'user', name: null, role: 'developer', isActive: true, generation: 1 },
});

describe('EnvironmentsService', () => {
  let all: Account[];
  let environments: EnvironmentsService;

  beforeEach(() => {
    all = [user(ADA, 'ada'), user('g1', 'grace'), user('b1', 'bob'), user('b2', 'bob')];
    const accounts = standIn<Accounts>({
      find: (id) => Promise.resolve(all.find((one) => one.id === id)),
      findAll: (ids) => {
        const asked = [...ids];
        return Promise.resolve(
          new Map(all.flatMap((one) => (asked.includes(one.id) ? [[one.id, one] as const] : []))),
        );
      },
      withLogin: (login) => Promise.resolve(all.filter((one) => one.login === login)),
    });
    environments = new EnvironmentsService(new MemoryEnvironmentStore(), accounts);
  });
  const codeOf = async (asked: Parameters<EnvironmentsService['set']>[1]): Promise<unknown> => {
    const error = await environments.set('production', asked, 'x').catch((one: unknown) => one);
    const { status, details } = error as MillraceError;
    return [status, (details as { code: string }[])[0]?.code];
  };

  it('has no limits where nobody has configured any', async () => {
    expect(await environments.rulesOf('default')).toMatchObject({
      ...{ deployers: null, required: 0, wait: 0, branches: null },
    });
    expect(await environments.find('default')).toBeUndefined();
    await expect(environments.remove('default')).rejects.toMatchObject({ status: 404 });
  });

  it('knows people by their accounts: a name that somebody else has got since is not theirs', async () => {
    const asked = { users: ['ada', ADA.toUpperCase()], roles: [] };
    await environments.set('production', { deployers: asked }, 'x');
    all = [user(ADA, 'lovelace'), user('e1', 'ada')];
    expect((await environments.rulesOf('production')).deployers?.users).toMatchObject([
      { id: ADA },
    ]);
    const [listed] = await environments.list();
    expect(listed?.deployers?.users).toEqual([{ id: ADA, login: 'lovelace' }]);
  });

  it.each([
    ['unknown_user', { deployers: { users: ['eve'], roles: [] } }],
    ['unknown_user', { approvers: { users: ['*'], roles: [] } }],
    ['ambiguous_user', { approvers: { users: ['bob'], roles: [] } }],
    ['too_few_approvers', { required: 1 }],
    ['too_few_approvers', { required: 2, approvers: { users: ['ada', 'ada', ADA], roles: [] } }],
  ])('refuses what can be nobody: %s', async (code, asked) => {
    expect(await codeOf(asked)).toEqual([422, code]);
    expect(await environments.find('production')).toBeUndefined();
  });

  it('takes a role for any number of people, and replaces all of it', async () => {
    const approvers = { users: [], roles: ['admin'] } as const;
    await environments.set('production', { approvers, required: 3, branches: ['main'] }, 'x');
    const open = await environments.set('production', { wait: 5 }, 'y');
    expect(open).toMatchObject({ required: 0, wait: 5, branches: null, updated_by: 'y' });
    await environments.remove('production');
    expect(await environments.rulesOf('production')).toMatchObject({ wait: 0 });
  });
});
