import type { ForgeGroup } from '../../integrations/forge/forge-accounts.js';
import { AccessLists, type Memberships } from './access-lists.js';

const NONE = {
  adminLogins: [],
  allowedLogins: [],
  allowedOrganizations: [],
  allowedTeams: [],
} as const;
const ada = { id: '1', login: 'Ada', name: null };

function groups(
  organizations: readonly ForgeGroup[] = [],
  teams: readonly ForgeGroup[] = [],
  isActive = true,
): Memberships {
  return {
    organizations: async () => organizations,
    teams: async () => teams,
    isActiveInTeam: async () => isActive,
  };
}

describe('who may log in', () => {
  let held: Map<string, string>;
  const bindings = {
    holder: async (key: string) => held.get(key),
    bind: async (key: string, id: string) => {
      if (!held.has(key)) held.set(key, id);
      return held.get(key) ?? id;
    },
  };
  const judge = (
    lists: Partial<Record<keyof typeof NONE, readonly string[]>>,
    account = ada,
    memberships = groups(),
    forge: 'github' | 'gitea' = 'github',
  ): Promise<string> =>
    new AccessLists({ ...NONE, ...lists }, bindings).judge(forge, 'host', account, memberships);

  beforeEach(() => {
    held = new Map();
  });

  it('is nobody without a list', async () => {
    expect(await judge({})).toBe('refused');
  });

  it.each([
    [{ adminLogins: ['ada'] }, 'admin'],
    [{ adminLogins: ['id:1'] }, 'admin'],
    [{ adminLogins: ['github:ada'] }, 'admin'],
    [{ adminLogins: ['gitea:ada'] }, 'refused'],
    [{ adminLogins: ['id:2'] }, 'refused'],
    [{ allowedLogins: ['ada'] }, 'allowed'],
    [{ allowedLogins: ['*'] }, 'allowed'],
    [{ allowedLogins: ['gitea:*'] }, 'refused'],
    [{ adminLogins: ['ada'], allowedLogins: ['ada'] }, 'admin'],
    [{ allowedLogins: ['ad'] }, 'refused'],
  ])('by name: %j', async (lists, verdict) => {
    expect(await judge(lists)).toBe(verdict);
  });

  const acme = { id: '7', name: 'acme' };
  const team = { id: '9', name: 'acme/developers' };
  it.each([
    [{ allowedOrganizations: ['acme'] }, groups([acme]), 'allowed'],
    [{ allowedOrganizations: ['acme'] }, groups([{ id: '8', name: 'acme2' }]), 'refused'],
    [{ allowedTeams: ['acme/developers'] }, groups([], [team]), 'allowed'],
    [{ allowedTeams: ['acme/developers'] }, groups([], [team], false), 'refused'],
    [{ allowedTeams: ['id:9'] }, groups([], [team], false), 'refused'],
    [{ allowedTeams: ['acme/developers'] }, groups([acme]), 'refused'],
  ])('by membership: %j', async (lists, memberships, verdict) => {
    expect(await judge(lists, ada, memberships)).toBe(verdict);
  });

  it('keeps a name with the account that had it first, renamed or not', async () => {
    const lists = { adminLogins: ['ada'] };
    expect(await judge(lists)).toBe('admin');
    expect(await judge(lists, { ...ada, login: 'countess' })).toBe('admin');
    expect(await judge(lists, { id: '2', login: 'ada', name: null })).toBe('refused');
    // The same name elsewhere is another one.
    expect(await judge(lists, { id: '2', login: 'ada', name: null }, groups(), 'gitea')).toBe(
      'admin',
    );
  });

  it('gives a name to one of two who log in under it at once', async () => {
    const lists = { adminLogins: ['ada'] };
    const verdicts = await Promise.all([judge(lists), judge(lists, { ...ada, id: '2' })]);
    expect(verdicts).toEqual(['admin', 'refused']);
    expect([...held.values()]).toEqual(['1']);
  });

  it('does not bind a name to whoever is not active in the team', async () => {
    const lists = { allowedTeams: ['acme/developers'] };
    await judge(lists, ada, groups([], [team], false));
    expect(held.size).toBe(0);
  });

  it('asks for memberships only where a list names such', () => {
    const lists = new AccessLists({ ...NONE, allowedTeams: ['gitea:a/b'] }, bindings);
    expect(lists.needsMemberships('gitea')).toBe(true);
    expect(lists.needsMemberships('github')).toBe(false);
  });
});
