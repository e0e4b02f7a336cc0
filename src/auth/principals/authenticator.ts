import { createHash, timingSafeEqual } from 'node:crypto';
import { principalOf, type Principal } from './principal.js';

/** The headers by which somebody says who they are. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

/** Says who sends a request. */
export abstract class Authenticator {
  /**
   * `undefined` = nobody that is known.
   * @throws what the database throws; whoever it is stays unknown then
   */
  abstract identify(credentials: Credentials): Promise<Principal | undefined>;

  /**
   * Whether a principal that was identified is one still; asked again and again while an answer
   * lasts (event streams). Without an opinion: true.
   */
  abstract isStillGood(principal: Principal): Promise<boolean>;
}

/** The one token of the server, an administrator's. */
export class TokenAuthenticator extends Authenticator {
  private readonly holder = principalOf({ id: 'token', kind: 'token', role: 'admin' });
  private readonly digest: Buffer;

  constructor(token: string) {
    super();
    this.digest = sha256(token);
  }

  async identify({ authorization }: Credentials): Promise<Principal | undefined> {
    const token = bearerToken(authorization);
    // Digests are of equal length, so the comparison tells nothing of the token's.
    if (token === undefined || !timingSafeEqual(sha256(token), this.digest)) return undefined;
    return this.holder;
  }

  async isStillGood(): Promise<boolean> {
    return true;
  }
}

/** `AUTH_MODE=none`: everybody, which the configuration allows on a loopback address only. */
export class OpenAuthenticator extends Authenticator {
  private readonly everybody = principalOf({ id: 'anonymous', kind: 'anonymous', role: 'admin' });

  async identify(): Promise<Principal> {
    return this.everybody;
  }

  async isStillGood(): Promise<boolean> {
    return true;
  }
}

/** Several ways to be known; the first that knows somebody has the word. */
export class AnyAuthenticator extends Authenticator {
  constructor(private readonly ways: readonly Authenticator[]) {
    super();
  }

  async identify(credentials: Credentials): Promise<Principal | undefined> {
    for (const way of this.ways) {
      const principal = await way.identify(credentials);
      if (principal !== undefined) return principal;
    }
    return undefined;
  }

  async isStillGood(principal: Principal): Promise<boolean> {
    for (const way of this.ways) if (!(await way.isStillGood(principal))) return false;
    return true;
  }
}

/** The token of an `Authorization` header; undefined when it holds none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
