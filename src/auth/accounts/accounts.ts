import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { Role } from '../policy/policy.js';
import { ServiceAccountsRepository } from '../service-accounts/service-accounts.repository.js';
import { roleOfUser } from '../users/user-principal.js';
import type { UserDocument } from '../users/user.schema.js';
import { UsersRepository } from '../users/users.repository.js';

/** Who a stored id is now, whoever asks and wherever: nobody has to be logged in for it. */
export interface Account {
  /** That of a principal: what stored documents name. */
  readonly id: string;
  readonly kind: 'user' | 'service_account' | 'token' | 'anonymous';
  /** The log-in name, the name of the service account, or `token`, `anonymous`. */
  readonly login: string;
  /** As the forge says it; null: none. */
  readonly name: string | null;
  readonly role: Role;
  /** False: blocked. Nothing is in such an account's power any more. */
  readonly isActive: boolean;
  /**
   * Rises when all sessions of the account are ended: by a block, when it may not log in any more,
   * or by itself. 0 where there is no such thing.
   */
  readonly generation: number;
}

/** Accounts by what is stored of them, in every role: also where nobody is authenticated. */
@Injectable()
export class Accounts {
  constructor(
    private readonly users: UsersRepository,
    private readonly services: ServiceAccountsRepository,
    private readonly config: MillraceConfig,
  ) {}

  /** Undefined: there is none, or none that this server would let in. */
  async find(id: string): Promise<Account | undefined> {
    const own = this.ownOf(id);
    if (own !== undefined) return own;
    const user = await this.users.find(id);
    if (user !== undefined) return this.ofUser(user);
    const service = await this.services.find(id);
    if (service === undefined) return undefined;
    const { _id, name } = service;
    const nothing = { name: null, isActive: true, generation: 0 };
    return { id: _id, kind: 'service_account', login: name, role: 'service_account', ...nothing };
  }

  /** Those that there are, by their ids. */
  async findAll(ids: Iterable<string>): Promise<ReadonlyMap<string, Account>> {
    const found = await Promise.all([...new Set(ids)].map((id) => this.find(id)));
    return new Map(found.flatMap((one) => (one === undefined ? [] : [[one.id, one] as const])));
  }

  /** People with this log-in name: of several forges there may be several. */
  async withLogin(login: string): Promise<readonly Account[]> {
    return (await this.users.withLogin(login)).map((user) => this.ofUser(user));
  }

  private ofUser(user: UserDocument): Account {
    const { _id: id, login, name, blocked_at: blockedAt, generation } = user;
    const role = roleOfUser(user, this.config);
    return { id, kind: 'user', login, name, role, isActive: blockedAt === null, generation };
  }

  /** The holder of the one token, or everybody, where the server has that. */
  private ownOf(id: string): Account | undefined {
    const { authMode, token } = this.config;
    const hasToken = authMode === 'token' || (authMode === 'oauth' && token !== undefined);
    const isOwn = (id === 'token' && hasToken) || (id === 'anonymous' && authMode === 'none');
    if (!isOwn) return undefined;
    const kind = id === 'token' ? 'token' : 'anonymous';
    return { id, kind, login: id, name: null, role: 'admin', isActive: true, generation: 0 };
  }
}
