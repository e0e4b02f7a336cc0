import { Injectable } from '@nestjs/common';
import {
  conflict,
  MillraceError,
  notFound,
  unprocessable,
} from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { SCOPES_OF_ROLE, type Scope } from '../policy/policy.js';
import { AuthEvents } from '../principals/auth-events.js';
import type { Principal } from '../principals/principal.js';
import { ServiceAccountsService } from '../service-accounts/service-accounts.service.js';
import { UsersRepository } from '../users/users.repository.js';
import { newTokenText, tokenHash } from './token-text.js';
import type { TokenDocument } from './token.schema.js';
import { type TokenOwner, TokensRepository } from './tokens.repository.js';

const DAY_MS = 24 * 3600 * 1000;
/** Of one owner, that are good. */
export const MAX_TOKENS = 50;

export interface TokenRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly days: number;
}

/** A new token; its text is shown this once. */
export interface MadeToken {
  readonly document: TokenDocument;
  readonly text: string;
}

/** Personal tokens, and those of service accounts: who makes, lists and revokes them. */
@Injectable()
export class TokensService {
  constructor(
    private readonly tokens: TokensRepository,
    private readonly users: UsersRepository,
    private readonly accounts: ServiceAccountsService,
    private readonly events: AuthEvents,
  ) {}

  /**
   * Only somebody who has logged in makes a personal token: one that leaked makes no second one.
   * @throws AuthorizationError, UnprocessableError for scopes that the maker does not have,
   *   ConflictError beyond `MAX_TOKENS`
   */
  async makePersonal(maker: Principal, request: TokenRequest): Promise<MadeToken> {
    if (maker.kind !== 'user' || maker.credential?.kind !== 'session') throw logInFirst();
    const owner = await this.ownerOfUser(maker.id);
    return this.make(owner, maker, request, [...maker.scopes]);
  }

  /** @throws NotFoundError, and as `makePersonal` */
  async makeOfAccount(maker: Principal, id: string, request: TokenRequest): Promise<MadeToken> {
    const owner = ownerOfAccount((await this.accounts.get(id))._id);
    const most = SCOPES_OF_ROLE.service_account.filter((scope) => maker.scopes.has(scope));
    return this.make(owner, maker, request, most);
  }

  async listPersonal(userId: string, page: PageRequest): Promise<Page<TokenDocument>> {
    return this.tokens.list(await this.ownerOfUser(userId), page);
  }

  /** @throws NotFoundError */
  async listOfAccount(id: string, page: PageRequest): Promise<Page<TokenDocument>> {
    return this.tokens.list(ownerOfAccount((await this.accounts.get(id))._id), page);
  }

  /** Idempotent. @throws NotFoundError when the user has no such token */
  async revokePersonal(userId: string, id: string): Promise<void> {
    await this.revoke('user', userId, id, userId);
  }

  /** Idempotent. @throws NotFoundError when the account has no such token */
  async revokeOfAccount(by: string, accountId: string, id: string): Promise<void> {
    await this.revoke('service_account', accountId, id, by);
  }

  private async make(
    owner: TokenOwner,
    maker: Principal,
    { name, scopes, days }: TokenRequest,
    most: readonly Scope[],
  ): Promise<MadeToken> {
    const tooMuch = scopes.filter((scope) => !most.includes(scope));
    if (tooMuch.length > 0) throw scopesTooWide(tooMuch, most);
    if ((await this.tokens.count(owner)) >= MAX_TOKENS) throw tooManyTokens();
    const id = uuidV7();
    const text = newTokenText(id);
    const now = new Date();
    const document: TokenDocument = {
      _id: id,
      ...owner,
      name,
      secret_hash: tokenHash(text),
      scopes,
      created_at: now,
      created_by: maker.id,
      expires_at: new Date(now.getTime() + days * DAY_MS),
      used_at: null,
      revoked_at: null,
    };
    await this.tokens.insert(document);
    this.events.record({
      kind: 'token_made',
      ownerId: owner.owner_id,
      tokenId: id,
      by: maker.id,
    });
    return { document, text };
  }

  private async revoke(
    kind: TokenDocument['owner_kind'],
    ownerId: string,
    id: string,
    by: string,
  ): Promise<void> {
    if (!(await this.tokens.revoke(kind, ownerId, id))) throw notFound('token', id);
    this.events.record({ kind: 'token_revoked', ownerId, tokenId: id, by });
  }

  private async ownerOfUser(userId: string): Promise<TokenOwner> {
    const generation = (await this.users.find(userId))?.generation ?? 0;
    return { owner_kind: 'user', owner_id: userId, owner_generation: generation };
  }
}

function ownerOfAccount(id: string): TokenOwner {
  return { owner_kind: 'service_account', owner_id: id, owner_generation: 0 };
}

/** 403 */
export function logInFirst(): MillraceError {
  return new MillraceError('AuthorizationError', 'Only who has logged in makes a personal token.', {
    details: { code: 'session_required' },
    suggestions: [
      'Log in and ask again. For a program, an administrator makes a token of a service account.',
    ],
  });
}

/** 422 */
export function scopesTooWide(scopes: readonly Scope[], most: readonly Scope[]): MillraceError {
  return unprocessable(`The token cannot have: ${scopes.join(', ')}.`, {
    details: { code: 'scopes_too_wide', scopes },
    suggestions: [`It can have: ${[...most].sort().join(', ')}.`],
  });
}

/** 409 */
export function tooManyTokens(): MillraceError {
  return conflict(`There are ${String(MAX_TOKENS)} tokens already.`, {
    details: { code: 'too_many_tokens' },
    suggestions: ['Revoke one that is not used any more: the list says when each was used.'],
  });
}
