import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { isUuid } from '../../common/ids/uuid.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { SigningKey } from './signing-key.js';

/** The only algorithm, of whatever a token says of itself. */
const ALGORITHM = 'HS256';
const AUDIENCE = 'millrace';
const MINUTE_S = 60;

export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
}

/** Access tokens: JWTs that name a session, for a short time. */
@Injectable()
export class AccessTokens {
  readonly seconds: number;
  private readonly issuer: string;

  constructor(
    private readonly jwt: JwtService,
    private readonly key: SigningKey,
    config: MillraceConfig,
  ) {
    this.seconds = config.jwtMinutes * MINUTE_S;
    this.issuer = config.publicUrl ?? '';
  }

  /** The same for the same moment. */
  make({ userId, sessionId }: AccessClaims, at: Date): string {
    const iat = Math.floor(at.getTime() / 1000);
    return this.jwt.sign(
      { sub: userId, sid: sessionId, iat },
      {
        secret: this.key.for('access'),
        algorithm: ALGORITHM,
        issuer: this.issuer,
        audience: AUDIENCE,
        expiresIn: this.seconds,
      },
    );
  }

  /** Undefined for what is not one of ours, or has expired. */
  read(token: string): AccessClaims | undefined {
    try {
      const claims = this.jwt.verify<Record<string, unknown>>(token, {
        secret: this.key.for('access'),
        algorithms: [ALGORITHM],
        issuer: this.issuer,
        audience: AUDIENCE,
      });
      const { sub, sid, exp } = claims;
      if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') {
        return undefined;
      }
      return isUuid(sub) && isUuid(sid) ? { userId: sub, sessionId: sid } : undefined;
    } catch {
      return undefined; // Whatever is wrong with it, its sender is nobody.
    }
  }
}
