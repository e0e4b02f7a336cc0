import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { SigningKey } from '../sessions/signing-key.js';
import type { UserDocument } from '../users/user.schema.js';
import { isUsable } from '../users/user-principal.js';
import { UsersRepository } from '../users/users.repository.js';
import { UsedOnce } from './used-once.repository.js';

const LIFE_S = 60;
const ALGORITHM = 'HS256';
const AUDIENCE = 'millrace hand-over';

interface CodeClaims {
  readonly sub: string;
  readonly generation: number;
  readonly challenge: string;
  readonly jti: string;
  readonly exp: number;
}

/**
 * Codes by which a log-in in the browser reaches a command line that waits on a loopback address.
 * A code is good once, for a minute, and for whoever knows the secret behind its challenge: it
 * comes through an address, which others may see.
 */
@Injectable()
export class CliLoginCodes {
  constructor(
    private readonly jwt: JwtService,
    private readonly key: SigningKey,
    private readonly used: UsedOnce,
    private readonly users: UsersRepository,
  ) {}

  make(user: UserDocument, challenge: string): string {
    const { _id, generation } = user;
    return this.jwt.sign(
      { sub: _id, generation, challenge, jti: randomUUID() },
      {
        secret: this.key.for('hand-over'),
        algorithm: ALGORITHM,
        audience: AUDIENCE,
        expiresIn: LIFE_S,
      },
    );
  }

  /** Undefined for a code that is not good, or used, and for a wrong secret. */
  async take(code: string, verifier: string): Promise<UserDocument | undefined> {
    const claims = this.read(code);
    if (claims === undefined || !isSecretOf(claims.challenge, verifier)) return undefined;
    if (!(await this.used.take(`hand-over ${claims.jti}`, new Date(claims.exp * 1000)))) {
      return undefined;
    }
    const user = await this.users.find(claims.sub);
    return isUsable(user, claims.generation) ? user : undefined;
  }

  private read(code: string): CodeClaims | undefined {
    try {
      return this.jwt.verify<CodeClaims>(code, {
        secret: this.key.for('hand-over'),
        algorithms: [ALGORITHM],
        audience: AUDIENCE,
      });
    } catch {
      return undefined; // Whatever is wrong with it, it is none of ours.
    }
  }
}

function isSecretOf(challenge: string, verifier: string): boolean {
  const own = Buffer.from(challenge);
  const given = Buffer.from(createHash('sha256').update(verifier).digest('base64url'));
  return own.length === given.length && timingSafeEqual(own, given);
}
