import { Injectable } from '@nestjs/common';
import { type Account, Accounts } from '../auth/accounts/accounts.js';
import type { Role } from '../auth/policy/policy.js';
import { notFound, unprocessable, type MillraceError } from '../common/errors/millrace.error.js';
import { isUuid } from '../common/ids/uuid.js';
import { quoted } from '../common/values/redact-urls.js';
import {
  type Environment,
  type EnvironmentRules,
  type NamedUser,
  NO_LIMITS,
  NOBODY,
  type People,
} from './environment.js';
import { EnvironmentStore } from './environment-store.js';

/** People as somebody names them. */
export interface AskedPeople {
  /** Log-in names, or ids of accounts. */
  readonly users: readonly string[];
  readonly roles: readonly Role[];
}

/** Rules as somebody asks for them; what is absent has no limit. */
export interface AskedRules extends Partial<Omit<EnvironmentRules, 'deployers' | 'approvers'>> {
  readonly deployers?: AskedPeople | null | undefined;
  readonly approvers?: AskedPeople | null | undefined;
}

/** What environments ask of whoever puts something into service there. */
@Injectable()
export class EnvironmentsService {
  constructor(
    private readonly store: EnvironmentStore,
    private readonly accounts: Accounts,
  ) {}

  /** Those of an environment that nobody has configured limit nothing. */
  async rulesOf(name: string): Promise<EnvironmentRules> {
    return (await this.store.find(name)) ?? NO_LIMITS;
  }

  /** Undefined: nobody has configured it. People are named as they are called now. */
  async find(name: string): Promise<Environment | undefined> {
    const found = await this.store.find(name);
    return found && this.renamed(found);
  }

  /** All that are configured, by their names. */
  async list(): Promise<readonly Environment[]> {
    return Promise.all((await this.store.list()).map((one) => this.renamed(one)));
  }

  /**
   * Puts these rules in the place of those before.
   * @param by id of the account that does it
   * @throws UnprocessableError: nobody is called so, or too few people may approve
   */
  async set(name: string, asked: AskedRules, by: string): Promise<Environment> {
    const now = new Date();
    const { deployers, approvers, required = 0, wait = 0, branches, allow_self = false } = asked;
    const rules: EnvironmentRules = {
      deployers: deployers ? await this.resolved(deployers, 'deployers') : null,
      approvers: approvers ? await this.resolved(approvers, 'approvers') : NOBODY,
      ...{ required, wait, branches: branches ?? null, allow_self },
    };
    mustBePossible(rules);
    return this.store.put({
      ...{ _id: name, ...rules, created_at: now, updated_at: now, updated_by: by },
    });
  }

  /** From then on it has no limits. @throws NotFoundError: it was not configured */
  async remove(name: string): Promise<void> {
    if (await this.store.remove(name)) return;
    throw noLimits(name);
  }

  private async resolved({ users, roles }: AskedPeople, field: string): Promise<People> {
    const found = await Promise.all(users.map((user, n) => this.user(user, `${field}.users.${n}`)));
    const byId = new Map(found.map((user) => [user.id, user]));
    return { users: [...byId.values()], roles: [...new Set(roles)] };
  }

  /** Whoever takes a name over later is not whom it named: the id of the account is kept. */
  private async user(asked: string, path: string): Promise<NamedUser> {
    const all = isUuid(asked) ? await this.withId(asked) : await this.accounts.withLogin(asked);
    const [only, ...others] = all;
    const name = quoted(asked, 80);
    if (only === undefined) {
      throw unknownUser(name, path);
    }
    if (others.length > 0) {
      const ids = all.map(({ id }) => id).join(', ');
      throw unprocessable(`Several accounts are called "${name}".`, {
        details: [{ path, code: 'ambiguous_user', message: `"${name}" is one of ${ids}` }],
        suggestions: [`Name the account by its id: ${ids}`],
      });
    }
    return { id: only.id, login: only.login };
  }

  private async withId(id: string): Promise<readonly Account[]> {
    const found = await this.accounts.find(id.toLowerCase());
    return found?.kind === 'user' ? [found] : [];
  }

  private async renamed(environment: Environment): Promise<Environment> {
    const { deployers, approvers } = environment;
    const ids = [deployers, approvers].flatMap((people) => people?.users ?? []);
    const known = await this.accounts.findAll(ids.map(({ id }) => id));
    const now = ({ users, roles }: People): People => ({
      roles,
      users: users.map(({ id, login }) => ({ id, login: known.get(id)?.login ?? login })),
    });
    return { ...environment, deployers: deployers && now(deployers), approvers: now(approvers) };
  }
}

/** @throws UnprocessableError: no deployment could ever get enough approvals */
function mustBePossible({ required, approvers: { users, roles } }: EnvironmentRules): void {
  if (required === 0 || roles.length > 0 || users.length >= required) return;
  const message = `${required} are needed, and only ${users.length} may approve`;
  throw unprocessable('No deployment could ever get enough approvals.', {
    details: [{ path: 'approvers', code: 'too_few_approvers', message }],
    suggestions: ['Name more people who may approve, or a role, as {"roles": ["admin"]}.'],
  });
}

/** 404: nobody has configured it. */
export function noLimits(name: string): MillraceError {
  return notFound('environment', name, {
    suggestions: ['It has no limits that could be removed; `./millrace environments` shows all.'],
  });
}

/** 422 @param path of the field that names them */
export function unknownUser(name: string, path: string): MillraceError {
  return unprocessable(`Nobody who has logged in here is called "${name}".`, {
    details: [{ path, code: 'unknown_user', message: `"${name}" has no account here` }],
    suggestions: ['Have them log in once; or name a role.'],
  });
}
