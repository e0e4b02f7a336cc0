import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Authenticator, bearerToken, type Credentials } from '../principals/authenticator.js';
import { principalOf, type Principal } from '../principals/principal.js';
import { ServiceAccountsRepository } from '../service-accounts/service-accounts.repository.js';
import { AccessCheck } from '../users/access-check.js';
import { isUsable, roleOfUser, whoOfUser } from '../users/user-principal.js';
import { UsersRepository } from '../users/users.repository.js';
import { isTokenOf, tokenIdOf } from './token-text.js';
import type { TokenDocument } from './token.schema.js';
import { TokensRepository } from './tokens.repository.js';

/** That a token is used is noted so often at most. */
const TOUCH_MS = 5 * 60_000;

/** Knows people and programs by their own tokens. */
@Injectable()
export class StoredTokenAuthenticator extends Authenticator {
  constructor(
    private readonly tokens: TokensRepository,
    private readonly users: UsersRepository,
    private readonly accounts: ServiceAccountsRepository,
    private readonly access: AccessCheck,
    private readonly config: MillraceConfig,
  ) {
    super();
  }

  /** @throws as `AccessCheck.fresh` */
  async identify({ authorization }: Credentials): Promise<Principal | undefined> {
    const text = bearerToken(authorization) ?? '';
    const id = tokenIdOf(text);
    const token = id === undefined ? undefined : await this.tokens.find(id);
    if (token === undefined || !isTokenOf(token.secret_hash, text)) return undefined;
    const principal = await this.principalOf(token);
    if (principal !== undefined) await this.touch(token);
    return principal;
  }

  async isStillGood({ credential, role }: Principal): Promise<boolean> {
    if (credential?.kind !== 'token') return true;
    const token = await this.tokens.find(credential.id);
    return token !== undefined && (await this.principalOf(token))?.role === role;
  }

  private async principalOf(token: TokenDocument): Promise<Principal | undefined> {
    if (token.revoked_at !== null || token.expires_at.getTime() <= Date.now()) return undefined;
    return token.owner_kind === 'user' ? this.ofUser(token) : this.ofAccount(token);
  }

  private async ofUser({
    _id,
    owner_id,
    owner_generation,
    scopes,
  }: TokenDocument): Promise<Principal | undefined> {
    // Without log-ins nobody can look whether the user still may.
    if (this.config.authMode !== 'oauth') return undefined;
    const found = await this.users.find(owner_id);
    if (!isUsable(found, owner_generation)) return undefined;
    const user = await this.access.fresh(found);
    const role = roleOfUser(user, this.config);
    return principalOf(whoOfUser(user, role, { kind: 'token', id: _id }), scopes);
  }

  private async ofAccount({
    _id,
    owner_id,
    scopes,
  }: TokenDocument): Promise<Principal | undefined> {
    const account = await this.accounts.find(owner_id);
    if (account === undefined) return undefined;
    const who = {
      id: account._id,
      kind: 'service_account',
      role: 'service_account',
      name: account.name,
      credential: { kind: 'token', id: _id },
    } as const;
    return principalOf(who, scopes);
  }

  private async touch({ _id, used_at }: TokenDocument): Promise<void> {
    const now = new Date();
    if (used_at !== null && now.getTime() - used_at.getTime() < TOUCH_MS) return;
    await this.tokens.touch(_id, now);
  }
}
