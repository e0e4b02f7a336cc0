import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Authenticator, bearerToken, type Credentials } from '../principals/authenticator.js';
import { principalOf, type Principal, type SessionCredential } from '../principals/principal.js';
import type { UserDocument } from '../users/user.schema.js';
import { roleOfUser, whoOfUser } from '../users/user-principal.js';
import { AccessTokens } from './access-tokens.js';
import { SessionCookies } from './session-cookies.js';
import { SessionsService } from './sessions.service.js';

/**
 * Knows people by their access token, or by the cookie of their browser; a cookie is looked at only
 * where no `Authorization` was sent.
 */
@Injectable()
export class SessionAuthenticator extends Authenticator {
  constructor(
    private readonly sessions: SessionsService,
    private readonly accessTokens: AccessTokens,
    private readonly cookies: SessionCookies,
    private readonly config: MillraceConfig,
  ) {
    super();
  }

  async identify({ authorization, cookie }: Credentials): Promise<Principal | undefined> {
    if (authorization !== undefined) return this.ofAccessToken(bearerToken(authorization) ?? '');
    const sent = this.cookies.read(cookie);
    if (sent === undefined) return undefined;
    const found = await this.sessions.ofCookie(sent);
    return found && this.principal(found.user, { id: found.session._id, by: 'cookie' });
  }

  async isStillGood({ credential, role }: Principal): Promise<boolean> {
    if (credential?.kind !== 'session') return true;
    const found = await this.sessions.live(credential.id);
    return found !== undefined && roleOfUser(found.user, this.config) === role;
  }

  private async ofAccessToken(token: string): Promise<Principal | undefined> {
    const claims = this.accessTokens.read(token);
    if (claims === undefined) return undefined;
    const found = await this.sessions.live(claims.sessionId);
    if (found?.user._id !== claims.userId) return undefined;
    return this.principal(found.user, { id: found.session._id, by: 'access_token' });
  }

  private principal(user: UserDocument, of: Omit<SessionCredential, 'kind'>): Principal {
    const role = roleOfUser(user, this.config);
    return principalOf(whoOfUser(user, role, { kind: 'session', ...of }));
  }
}
