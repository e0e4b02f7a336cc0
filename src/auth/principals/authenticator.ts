import { createHash, timingSafeEqual } from 'node:crypto';
import { principalOf, type Principal } from './principal.js';

/** Says who sends a request, from its `Authorization` header. */
export abstract class Authenticator {
  /** `undefined` = nobody that is known. Never throws. */
  abstract identify(authorization: string | undefined): Principal | undefined;
}

/** `AUTH_MODE=token`: whoever holds the one token, which is an administrator's. */
export class TokenAuthenticator extends Authenticator {
  private readonly holder = principalOf({ id: 'token', kind: 'token', role: 'admin' });
  private readonly digest: Buffer;

  constructor(token: string) {
    super();
    this.digest = sha256(token);
  }

  identify(authorization: string | undefined): Principal | undefined {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    // Digests are of equal length, so the comparison tells nothing of the token's.
    if (token === undefined || !timingSafeEqual(sha256(token), this.digest)) return undefined;
    return this.holder;
  }
}

/** `AUTH_MODE=none`: everybody, which the configuration allows on a loopback address only. */
export class OpenAuthenticator extends Authenticator {
  private readonly everybody = principalOf({ id: 'anonymous', kind: 'anonymous', role: 'admin' });

  identify(): Principal {
    return this.everybody;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
