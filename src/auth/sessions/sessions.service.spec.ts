import { Logger } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createHash } from 'node:crypto';
import { standIn } from '../../../test/support/stand-in.js';
import { MemoryAudit } from '../../common/audit/memory-audit.fixture.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { AuthEvents } from '../principals/auth-events.js';
import type { AccessCheck } from '../users/access-check.js';
import type { UserDocument } from '../users/user.schema.js';
import type { UsersRepository } from '../users/users.repository.js';
import { AccessTokens } from './access-tokens.js';
import { RACE_MS } from './refresh-decision.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SessionCookies } from './session-cookies.js';
import type { SessionDocument } from './session.schema.js';
import type { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';
import { SigningKey } from './signing-key.js';

const CLIENT = { userAgent: 'a browser', address: '192.0.2.1', requestId: 'r' };
const USER = { _id: 'ada', login: 'ada', forge: 'github', generation: 3, blocked_at: null };
const REFUSED = { kind: 'AuthenticationError', details: { code: 'refresh_refused' } };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('SessionsService', () => {
  const key = new SigningKey('a-key-of-the-server-of-this-spec-1', '/nowhere');
  const config = { jwtMinutes: 15, publicUrl: 'https://ci.example.org' } as MillraceConfig;
  const cookies = new SessionCookies(config, key);
  let stored: Map<string, SessionDocument>;
  let user: UserDocument;
  let audit: MemoryAudit;
  let recheck: AccessCheck['recheck'];
  let sessions: SessionsService;

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    jest.useFakeTimers({ now: new Date('2026-11-20T12:00:00Z'), doNotFake: ['nextTick'] });
    stored = new Map();
    user = USER as UserDocument;
    audit = new MemoryAudit();
    recheck = async (seen) => seen;
    sessions = new SessionsService(
      standIn<SessionsRepository>({
        insert: async (session) => void stored.set(session._id, session),
        find: async (id) => stored.get(id),
        rotate: async (seen, next) => {
          const now = stored.get(seen._id);
          if (now?.secret_hash !== seen.secret_hash || now.ended_at !== null) return false;
          stored.set(seen._id, { ...now, ...next });
          return true;
        },
        end: async (id, reason) => {
          change(id, { ended_at: new Date(), end_reason: reason });
          return true;
        },
      }),
      standIn<UsersRepository>({ find: async () => user }),
      standIn<AccessCheck>({ recheck: (seen) => recheck(seen), fresh: async (seen) => seen }),
      new AccessTokens(new JwtService({}), key, config),
      cookies,
      new AuthEvents(audit),
      audit,
      key,
    );
  });
  afterEach(() => jest.useRealTimers());

  const only = (): SessionDocument => {
    const [session] = stored.values();
    if (session === undefined) throw new Error('nothing is stored');
    return session;
  };
  const change = (id: string, by: Partial<SessionDocument>): void => {
    stored.set(id, { ...only(), ...by });
  };
  const later = (ms: number): void => void jest.advanceTimersByTime(ms);

  describe('of a client', () => {
    const open = async (): Promise<string> =>
      (await sessions.openClient(user, CLIENT)).refreshToken;

    it('holds the hash of its refresh token, and never the token', async () => {
      const first = await open();
      expect(only()).toMatchObject({ kind: 'client', generation: 0, secret_hash: sha256(first) });
      expect(JSON.stringify(only())).not.toContain(first);
      const { refreshToken: second } = await sessions.refresh(first);
      expect(only().secret_hash).toBe(sha256(second));
      expect(JSON.stringify(only())).not.toContain(second);
    });

    it('gets another refresh token by each exchange, which is the one that is good then', async () => {
      const first = await open();
      const { refreshToken: second } = await sessions.refresh(first);
      const { refreshToken: third } = await sessions.refresh(second);
      expect(new Set([first, second, third]).size).toBe(3);
      expect(only()).toMatchObject({ generation: 2, secret_hash: sha256(third) });
    });

    it('gets one answer for exchanges at once, and for a moment after', async () => {
      const first = await open();
      const [one, other] = await Promise.all([sessions.refresh(first), sessions.refresh(first)]);
      expect(other).toEqual(one);
      later(RACE_MS);
      expect(await sessions.refresh(first)).toEqual(one);
      expect(only()).toMatchObject({ generation: 1, ended_at: null });
    });

    it('ends when a token comes again that was exchanged, for whoever holds the newest', async () => {
      const first = await open();
      const { refreshToken: second } = await sessions.refresh(first);
      later(RACE_MS + 1);
      await expect(sessions.refresh(first)).rejects.toMatchObject(REFUSED);
      expect(only()).toMatchObject({ ended_at: new Date(), end_reason: 'refresh_reused' });
      await expect(sessions.refresh(second)).rejects.toMatchObject(REFUSED);
      expect(audit.entries.map(({ action }) => action)).toContain('sessions.stolen');
    });

    it('takes no token whose hash is not the stored one, genuine as it may be', async () => {
      const first = await open();
      change(only()._id, { secret_hash: sha256('another') });
      await expect(sessions.refresh(first)).rejects.toMatchObject(REFUSED);
      expect(only()).toMatchObject({ generation: 0, ended_at: null });
    });

    it('takes no token of another key, of a later exchange, or of no session', async () => {
      const first = await open();
      const another = new SigningKey('a-key-of-another-server-of-this-spec', '/nowhere');
      const sessionId = only()._id;
      const bad = [
        new RefreshTokens(another).make({ sessionId, generation: 0 }),
        new RefreshTokens(key).make({ sessionId, generation: 1 }),
        `${first}x`,
        '',
      ];
      for (const token of bad) await expect(sessions.refresh(token)).rejects.toMatchObject(REFUSED);
      stored.clear();
      await expect(sessions.refresh(first)).rejects.toMatchObject(REFUSED);
    });

    it('exchanges nothing for who is blocked, or may not log in any more', async () => {
      const first = await open();
      recheck = () => Promise.reject(new Error('access lost'));
      await expect(sessions.refresh(first)).rejects.toThrow('access lost');
      user = { ...user, generation: 4 };
      await expect(sessions.refresh(first)).rejects.toMatchObject(REFUSED);
      user = { ...user, generation: 3, blocked_at: new Date() };
      await expect(sessions.refresh(first)).rejects.toMatchObject(REFUSED);
      expect(only().generation).toBe(0);
    });
  });

  describe('of a browser', () => {
    it('holds the hash of its cookie, and never the cookie', async () => {
      const { secret } = await sessions.openBrowser(user, CLIENT);
      expect(only()).toMatchObject({ kind: 'browser', secret_hash: sha256(secret) });
      expect(JSON.stringify(only())).not.toContain(secret);
    });

    it('is that of whoever has the secret of its cookie, and of nobody else', async () => {
      const { sessionId, secret } = await sessions.openBrowser(user, CLIENT);
      expect((await sessions.ofCookie({ sessionId, secret }))?.session._id).toBe(sessionId);
      for (const wrong of [cookies.newSecret(), only().secret_hash, '']) {
        expect(await sessions.ofCookie({ sessionId, secret: wrong })).toBeUndefined();
      }
    });

    it('is none that is over, nor that of a client', async () => {
      const { refreshToken, sessionId } = await sessions.openClient(user, CLIENT);
      expect(await sessions.ofCookie({ sessionId, secret: refreshToken })).toBeUndefined();
      stored.clear();
      const cookie = await sessions.openBrowser(user, CLIENT);
      change(cookie.sessionId, { ended_at: new Date() });
      expect(await sessions.ofCookie(cookie)).toBeUndefined();
      change(cookie.sessionId, { ended_at: null, expires_at: new Date() });
      expect(await sessions.ofCookie(cookie)).toBeUndefined();
    });
  });
});
