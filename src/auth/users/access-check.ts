import { Injectable, Logger } from '@nestjs/common';
import { MillraceError, serviceUnavailable } from '../../common/errors/millrace.error.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { LoginForge } from '../../config/login-values.js';
import { ForgeError } from '../../integrations/forge/forge.js';
import { AuthEvents } from '../principals/auth-events.js';
import { AccessLists, type AccessVerdict, type Memberships } from './access-lists.js';
import {
  ForgeAccounts,
  type ForgeAccount,
  type ForgeTokens,
} from '../../integrations/forge/forge-accounts.js';
import { LoginBindings } from './login-bindings.repository.js';
import { TextSealer } from './text-sealer.js';
import { userId } from './user-id.js';
import type { UserDocument } from './user.schema.js';
import { UsersRepository } from './users.repository.js';

/** What is known of an account is looked at again after this time, at the latest. */
export const CHECK_MS = 15 * 60_000;
/** While the forge cannot be asked, what it said last counts for so long. */
export const GRACE_MS = 60 * 60_000;

/**
 * Decides who may log in, and looks again while sessions and tokens of theirs are used: who may no
 * longer loses all of them.
 */
@Injectable()
export class AccessCheck {
  private readonly logger = new Logger(AccessCheck.name);
  private readonly lists: AccessLists;
  private readonly underWay = new Map<string, Promise<UserDocument>>();

  constructor(
    config: MillraceConfig,
    bindings: LoginBindings,
    private readonly forges: ForgeAccounts,
    private readonly users: UsersRepository,
    private readonly sealer: TextSealer,
    private readonly events: AuthEvents,
  ) {
    this.lists = new AccessLists(config, bindings);
  }

  /** Whether memberships, and so a right to read them, have to be asked for at the log-in. */
  needsMemberships(forge: LoginForge): boolean {
    return this.lists.needsMemberships(forge);
  }

  /**
   * Takes in whoever has logged in at a forge.
   * @throws AuthorizationError when no list names them, ExternalServiceError when the forge does
   *   not answer
   */
  async admit(forge: LoginForge, tokens: ForgeTokens): Promise<UserDocument> {
    const host = this.forges.hostOf(forge);
    if (host === undefined) throw accountRefused();
    const { account, verdict } = await this.ask(forge, host, tokens.access).catch(
      throwForgeUnavailable,
    );
    if (verdict === 'refused') {
      this.events.record({ kind: 'log_in_refused', forge, reason: 'not_listed' });
      throw accountRefused(account.login);
    }
    const id = userId(forge, host, account.id);
    const now = new Date();
    const facts = {
      login: account.login,
      name: account.name,
      is_admin: verdict === 'admin',
      forge_tokens: this.needsMemberships(forge) ? this.seal(id, tokens) : null,
      checked_at: now,
    };
    const user = await this.users.save(
      {
        ...facts,
        _id: id,
        forge,
        host,
        remote_id: account.id,
        role: null,
        generation: 1,
        blocked_at: null,
        created_at: now,
        updated_at: now,
      },
      facts,
    );
    if (user === undefined || user.blocked_at !== null) {
      this.events.record({ kind: 'log_in_refused', forge, reason: 'blocked' });
      throw accountRefused(account.login);
    }
    return user;
  }

  /**
   * The user, looked at again where that is `CHECK_MS` ago.
   * @throws as `recheck`
   */
  async fresh(user: UserDocument, now = Date.now()): Promise<UserDocument> {
    return now - user.checked_at.getTime() < CHECK_MS ? user : this.recheck(user, now);
  }

  /**
   * Looks whether the user may still log in; calls at the same time share one look.
   * @throws AuthenticationError when not: all sessions and tokens of theirs are at their end,
   *   ServiceUnavailableError when the forge has not answered for `GRACE_MS`
   */
  async recheck(user: UserDocument, now = Date.now()): Promise<UserDocument> {
    const running = this.underWay.get(user._id);
    if (running !== undefined) return running;
    const look = this.look(user, now).finally(() => this.underWay.delete(user._id));
    this.underWay.set(user._id, look);
    return look;
  }

  private async look(user: UserDocument, now: number): Promise<UserDocument> {
    try {
      const facts = await this.factsOf(user);
      if (typeof facts === 'string') return await this.lose(user, facts);
      const learned = { ...facts, checked_at: new Date(now) };
      // Not as it was seen: it ended meanwhile, and whoever asks sees that by its generation.
      await this.users.learn(user, learned);
      return { ...user, ...learned };
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      if (!error.isPassing) return this.lose(user, `forge_${error.code}`);
      if (now - user.checked_at.getTime() < GRACE_MS) return user;
      throw serviceUnavailable(
        'The forge does not say whether you may still use this server, and has not for a while.',
        { retryAfterSeconds: 60, cause: error },
      );
    }
  }

  /** What is so now; a text says why it is over. */
  private async factsOf(
    user: UserDocument,
  ): Promise<Pick<UserDocument, 'login' | 'name' | 'is_admin'> | string> {
    const { forge, host } = user;
    if (this.forges.hostOf(forge) !== host) return 'forge_not_configured';
    if (!this.needsMemberships(forge)) {
      const account = { id: user.remote_id, login: user.login, name: user.name };
      const verdict = await this.lists.judge(forge, host, account, NO_MEMBERSHIPS);
      if (verdict === 'refused') return 'not_listed';
      return { login: user.login, name: user.name, is_admin: verdict === 'admin' };
    }
    const tokens = this.open(user);
    if (tokens === undefined) return 'log_in_again';
    const { account, verdict } = await this.withTokens(user, tokens, (access) =>
      this.ask(forge, host, access),
    );
    if (account.id !== user.remote_id) return 'other_account';
    if (verdict === 'refused') return 'not_listed';
    return { login: account.login, name: account.name, is_admin: verdict === 'admin' };
  }

  private async ask(
    forge: LoginForge,
    host: string,
    access: string,
  ): Promise<{ readonly account: ForgeAccount; readonly verdict: AccessVerdict }> {
    const account = await this.forges.account(forge, access);
    const verdict = await this.lists.judge(forge, host, account, {
      organizations: () => this.forges.organizations(forge, access),
      teams: () => this.forges.teams(forge, access),
      isActiveInTeam: (team) => this.forges.isActiveInTeam(forge, access, account, team),
    });
    return { account, verdict };
  }

  /** An access token that has expired is renewed once. */
  private async withTokens<T>(
    user: UserDocument,
    tokens: ForgeTokens,
    ask: (access: string) => Promise<T>,
  ): Promise<T> {
    try {
      return await ask(tokens.access);
    } catch (error) {
      const isOver = error instanceof ForgeError && error.code === 'unauthorized';
      if (!isOver || tokens.refresh === null) throw error;
      return ask(await this.renewed(user, tokens.refresh));
    }
  }

  private async renewed(user: UserDocument, refresh: string): Promise<string> {
    try {
      const tokens = await this.forges.renew(user.forge, refresh);
      const sealed = this.seal(user._id, { ...tokens, refresh: tokens.refresh ?? refresh });
      await this.users.replaceForgeTokens(user, sealed);
      return tokens.access;
    } catch (error) {
      // Another process may have used the refresh token of the forge a moment ago.
      const now = await this.users.find(user._id);
      if (now === undefined || now.forge_tokens === user.forge_tokens) throw error;
      const newer = this.open(now);
      if (newer === undefined) throw error;
      return newer.access;
    }
  }

  private async lose(user: UserDocument, reason: string): Promise<never> {
    await this.users.end(user);
    this.events.record({ kind: 'access_lost', userId: user._id, reason });
    throw accessLost();
  }

  private seal(userId: string, tokens: ForgeTokens): string {
    return this.sealer.seal(JSON.stringify(tokens), forgeTokensContext(userId));
  }

  /** Undefined where there are none, or none that the keys of this server open. */
  private open({ _id, forge_tokens: sealed }: UserDocument): ForgeTokens | undefined {
    if (sealed === null) return undefined;
    try {
      return JSON.parse(this.sealer.open(sealed, forgeTokensContext(_id))) as ForgeTokens;
    } catch (error) {
      this.logger.warn({ err: error, user_id: _id }, 'tokens of a forge cannot be opened');
      return undefined;
    }
  }
}

const NO_MEMBERSHIPS: Memberships = {
  organizations: async () => [],
  teams: async () => [],
  isActiveInTeam: async () => false,
};

/** What the tokens of an account are sealed for. */
export function forgeTokensContext(userId: string): string {
  return `user:${userId}:forge-tokens`;
}

/** 403 @param login whose account it is, as its owner knows */
export function accountRefused(login?: string): MillraceError {
  return new MillraceError('AuthorizationError', 'This account may not log in here.', {
    details: { code: 'not_allowed', ...(login !== undefined && { login }) },
    suggestions: [
      'Ask an administrator: ALLOWED_LOGINS, ALLOWED_ORGANIZATIONS and ALLOWED_TEAMS say who may. Only active memberships count.',
    ],
  });
}

function accessLost(): MillraceError {
  return new MillraceError(
    'AuthenticationError',
    'Your account may not use this server any more.',
    {
      details: { code: 'access_lost' },
      suggestions: ['Log in again; if that is refused, ask an administrator.'],
    },
  );
}

function throwForgeUnavailable(error: unknown): never {
  if (!(error instanceof ForgeError)) throw error;
  throw new MillraceError(
    'ExternalServiceError',
    `The log-in cannot be completed: ${error.message}`,
    {
      suggestions: ['Begin the log-in again in a while.'],
      cause: error,
    },
  );
}
