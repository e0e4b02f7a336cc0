import type { MillraceConfig } from '../../config/millrace-config.js';
import { loginEntry, type LoginEntry, type LoginForge } from '../../config/login-values.js';
import type { ForgeAccount, ForgeGroup } from '../../integrations/forge/forge-accounts.js';
import type { LoginBindings } from './login-bindings.repository.js';

/** Whether an account may log in, and as whom. */
export type AccessVerdict = 'admin' | 'allowed' | 'refused';

/** What an account belongs to; asked only where a list names such things. */
export interface Memberships {
  organizations(): Promise<readonly ForgeGroup[]>;
  teams(): Promise<readonly ForgeGroup[]>;
  isActiveInTeam(team: ForgeGroup): Promise<boolean>;
}

type Lists = Pick<
  MillraceConfig,
  'adminLogins' | 'allowedLogins' | 'allowedOrganizations' | 'allowedTeams'
>;
type Kind = 'login' | 'organization' | 'team';

/**
 * The lists of who may log in. A name in them belongs to the account (organization, team) that
 * first had it: who takes the name later gets nothing by it, and who is renamed loses nothing.
 */
export class AccessLists {
  constructor(
    private readonly lists: Lists,
    private readonly bindings: Pick<LoginBindings, 'holder' | 'bind'>,
  ) {}

  /** Whether memberships decide about accounts of the forge. */
  needsMemberships(forge: LoginForge): boolean {
    const { allowedOrganizations, allowedTeams } = this.lists;
    return [allowedOrganizations, allowedTeams].some((list) => entriesOf(list, forge).length > 0);
  }

  async judge(
    forge: LoginForge,
    host: string,
    account: ForgeAccount,
    memberships: Memberships,
  ): Promise<AccessVerdict> {
    const { adminLogins, allowedLogins, allowedOrganizations, allowedTeams } = this.lists;
    const self = [{ id: account.id, name: account.login.toLowerCase() }];
    const named = async (
      list: readonly string[],
      kind: Kind,
      groups: () => Promise<readonly ForgeGroup[]>,
      confirm?: (group: ForgeGroup) => Promise<boolean>,
    ): Promise<boolean> => {
      const entries = entriesOf(list, forge);
      if (entries.length === 0) return false;
      for (const group of await groups()) {
        for (const entry of entries) {
          const where = `${forge} ${host} ${kind}`;
          if (await this.isHolder(entry, where, group, confirm)) return true;
        }
      }
      return false;
    };
    if (await named(adminLogins, 'login', async () => self)) return 'admin';
    const others = entriesOf(allowedLogins, forge);
    if (others.some(({ everybody }) => everybody === true)) return 'allowed';
    if (await named(allowedLogins, 'login', async () => self)) return 'allowed';
    const isIn =
      (await named(allowedOrganizations, 'organization', () => memberships.organizations())) ||
      (await named(
        allowedTeams,
        'team',
        () => memberships.teams(),
        (team) => memberships.isActiveInTeam(team),
      ));
    return isIn ? 'allowed' : 'refused';
  }

  /** Whether the entry means this one; a name that has no holder yet is given to it. */
  private async isHolder(
    entry: LoginEntry,
    where: string,
    group: ForgeGroup,
    confirm: (group: ForgeGroup) => Promise<boolean> = async () => true,
  ): Promise<boolean> {
    if (entry.id !== undefined) return entry.id === group.id && (await confirm(group));
    if (entry.name === undefined) return false;
    const key = `${where} ${entry.name}`;
    const holder = await this.bindings.holder(key);
    if (holder !== undefined) return holder === group.id && (await confirm(group));
    if (entry.name !== group.name || !(await confirm(group))) return false;
    return (await this.bindings.bind(key, group.id)) === group.id;
  }
}

/** Entries that do not name a forge are of the only one that is configured. */
function entriesOf(list: readonly string[], forge: LoginForge): readonly LoginEntry[] {
  return list.map(loginEntry).filter((entry) => (entry.forge ?? forge) === forge);
}
