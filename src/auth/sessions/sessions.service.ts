import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Audit } from '../../common/audit/audit.js';
import { MillraceError, notFound } from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { AuthEvents } from '../principals/auth-events.js';
import { AccessCheck } from '../users/access-check.js';
import type { UserDocument } from '../users/user.schema.js';
import { isUsable } from '../users/user-principal.js';
import { UsersRepository } from '../users/users.repository.js';
import { AccessTokens } from './access-tokens.js';
import { decideRefresh, rotationsWith } from './refresh-decision.js';
import { RefreshTokens } from './refresh-tokens.js';
import type { SessionCookie } from './session-cookies.js';
import { SessionCookies } from './session-cookies.js';
import type { SessionDocument } from './session.schema.js';
import { SessionsRepository } from './sessions.repository.js';
import { SigningKey } from './signing-key.js';

const DAY_MS = 24 * 3600 * 1000;
/** A session that nobody uses for so long is over. */
export const IDLE_MS = 14 * DAY_MS;
/** However much it is used, a session is over then. */
export const WHOLE_MS = 90 * DAY_MS;
/** That a session is used is noted so often at most. */
const TOUCH_MS = 5 * 60_000;
const MAX_USER_AGENT = 200;

/** Who logs in, from where; to be shown in the list of sessions. */
export interface ClientFacts {
  readonly userAgent: string;
  readonly address: string;
  readonly requestId: string;
}

/** What a client is given: at its log-in, and at each refresh. */
export interface SessionTokens {
  readonly sessionId: string;
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
}

/** A session that is good, with whom it is of. */
export interface LiveSession {
  readonly session: SessionDocument;
  readonly user: UserDocument;
}

/** Log-ins from their beginning to their end, which counts at once: the database is asked. */
@Injectable()
export class SessionsService {
  private readonly refreshTokens: RefreshTokens;

  constructor(
    private readonly sessions: SessionsRepository,
    private readonly users: UsersRepository,
    private readonly access: AccessCheck,
    private readonly accessTokens: AccessTokens,
    private readonly cookies: SessionCookies,
    private readonly events: AuthEvents,
    private readonly audit: Audit,
    key: SigningKey,
  ) {
    this.refreshTokens = new RefreshTokens(key);
  }

  /** A session of a browser. */
  async openBrowser(user: UserDocument, client: ClientFacts): Promise<SessionCookie> {
    const cookie = { sessionId: uuidV7(), secret: this.cookies.newSecret() };
    await this.insert(user, client, { ...cookie, kind: 'browser', at: new Date() });
    return cookie;
  }

  /** A session of a client that keeps tokens. */
  async openClient(user: UserDocument, client: ClientFacts): Promise<SessionTokens> {
    const sessionId = uuidV7();
    const at = new Date();
    const secret = this.refreshTokens.make({ sessionId, generation: 0 });
    await this.insert(user, client, { sessionId, secret, kind: 'client', at });
    return this.tokens(user._id, sessionId, 0, at);
  }

  /**
   * Exchanges a refresh token. Of several exchanges at once, and for `RACE_MS`, all get the same
   * answer; whoever comes later with a token that was exchanged ends the session, since either they
   * or the rightful owner has stolen it.
   * @throws AuthenticationError, ServiceUnavailableError as `AccessCheck.recheck`
   */
  async refresh(token: string): Promise<SessionTokens> {
    const parts = this.refreshTokens.parse(token);
    if (parts === undefined) throw badRefreshToken();
    for (;;) {
      const session = await this.sessions.find(parts.sessionId);
      if (session === undefined) throw badRefreshToken();
      const user = await this.users.find(session.user_id);
      if (!isUsable(user, session.user_generation)) throw badRefreshToken();
      const decision = decideRefresh(session, parts.generation, Date.now());
      switch (decision.kind) {
        case 'over':
          throw badRefreshToken();
        case 'reuse':
          await this.endReused(session);
          throw badRefreshToken();
        case 'race':
          return this.tokens(user._id, session._id, decision.generation, decision.at);
        case 'rotate': {
          if (!isHashOf(session.secret_hash, token)) throw badRefreshToken();
          await this.access.recheck(user);
          const rotated = await this.rotate(session);
          // Somebody else was sooner: what they have made is the answer.
          if (rotated !== undefined) return rotated;
        }
      }
    }
  }

  /** Undefined where it is over, or its user may not log in any more. */
  async live(id: string): Promise<LiveSession | undefined> {
    const session = await this.sessions.find(id);
    if (session === undefined || !isOpen(session, Date.now())) return undefined;
    const user = await this.users.find(session.user_id);
    return isUsable(user, session.user_generation) ? { session, user } : undefined;
  }

  /**
   * The session of a cookie, and that it is used.
   * @throws as `AccessCheck.fresh`
   */
  async ofCookie({ sessionId, secret }: SessionCookie): Promise<LiveSession | undefined> {
    const found = await this.live(sessionId);
    if (found === undefined || found.session.kind !== 'browser') return undefined;
    if (!isHashOf(found.session.secret_hash, secret)) return undefined;
    const user = await this.access.fresh(found.user);
    await this.touch(found.session);
    return { ...found, user };
  }

  /** Ends one session of a user. @throws NotFoundError when the user has no such session */
  async end(userId: string, id: string, reason: 'logged_out' | 'ended'): Promise<void> {
    const session = await this.sessions.find(id);
    if (session?.user_id !== userId) throw notFound('session', id);
    if (!(await this.sessions.end(id, reason))) return;
    this.events.record({ kind: 'logged_out', userId, sessionId: id });
  }

  async endAll(userId: string): Promise<void> {
    await this.sessions.endAll(userId, 'ended');
    this.events.record({ kind: 'sessions_ended', userId, by: userId });
  }

  async list(userId: string, page: PageRequest): Promise<Page<SessionDocument>> {
    const user = await this.users.find(userId);
    return user === undefined ? { items: [] } : this.sessions.list(userId, user.generation, page);
  }

  private async insert(
    user: UserDocument,
    { userAgent, address, requestId }: ClientFacts,
    made: SessionCookie & Pick<SessionDocument, 'kind'> & { readonly at: Date },
  ): Promise<void> {
    await this.sessions.insert({
      _id: made.sessionId,
      user_id: user._id,
      user_generation: user.generation,
      kind: made.kind,
      secret_hash: hashOf(made.secret),
      generation: 0,
      rotations: [],
      user_agent: userAgent.slice(0, MAX_USER_AGENT),
      address,
      created_at: made.at,
      used_at: made.at,
      expires_at: expiry(made.at, made.at),
      ended_at: null,
      end_reason: null,
    });
    this.events.record({ kind: 'logged_in', userId: user._id, sessionId: made.sessionId });
    await this.audit.record({
      action: 'sessions.login',
      actor: {
        kind: 'user',
        id: user._id,
        name: user.login,
        credential: `session ${made.sessionId}`,
      },
      target: { kind: 'session', id: made.sessionId, name: '' },
      client: address,
      requestId,
      details: { forge: user.forge, kind: made.kind },
    });
  }

  private async rotate(session: SessionDocument): Promise<SessionTokens | undefined> {
    const at = new Date();
    const generation = session.generation + 1;
    const next = this.tokens(session.user_id, session._id, generation, at);
    const isOurs = await this.sessions.rotate(session, {
      generation,
      secret_hash: hashOf(next.refreshToken),
      rotations: rotationsWith(session, session.generation, at),
      used_at: at,
      expires_at: expiry(session.created_at, at),
    });
    return isOurs ? next : undefined;
  }

  private async endReused(session: SessionDocument): Promise<void> {
    await this.sessions.end(session._id, 'refresh_reused');
    this.events.record({
      kind: 'refresh_reused',
      userId: session.user_id,
      sessionId: session._id,
    });
  }

  private async touch(session: SessionDocument): Promise<void> {
    const now = new Date();
    if (now.getTime() - session.used_at.getTime() < TOUCH_MS) return;
    await this.sessions.touch(session._id, {
      used_at: now,
      expires_at: expiry(session.created_at, now),
    });
  }

  private tokens(userId: string, sessionId: string, generation: number, at: Date): SessionTokens {
    return {
      sessionId,
      accessToken: this.accessTokens.make({ userId, sessionId }, at),
      expiresInSeconds: this.accessTokens.seconds,
      refreshToken: this.refreshTokens.make({ sessionId, generation }),
    };
  }
}

function isOpen({ ended_at, expires_at }: SessionDocument, now: number): boolean {
  return ended_at === null && expires_at.getTime() > now;
}

function expiry(createdAt: Date, usedAt: Date): Date {
  return new Date(Math.min(createdAt.getTime() + WHOLE_MS, usedAt.getTime() + IDLE_MS));
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function isHashOf(hash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(hashOf(secret), 'hex'));
}

/** One answer for all that is wrong with it. */
export function badRefreshToken(): MillraceError {
  return new MillraceError('AuthenticationError', 'The refresh token is not good (any more).', {
    details: { code: 'refresh_refused' },
    suggestions: ['Log in again.'],
  });
}
