import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createHash, randomBytes } from 'node:crypto';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { LoginForge } from '../../config/login-values.js';
import { CookieStyle, requestCookies } from '../principals/cookies.js';
import { SigningKey } from '../sessions/signing-key.js';
import { UsedOnce } from './used-once.repository.js';

/** A log-in takes no longer than this. */
const LIFE_S = 600;
/** Log-ins that one browser may have begun at once; with more, the oldest is forgotten. */
const MOST = 10;
const PREFIX = 'millrace_login_';
const ALGORITHM = 'HS256';
const AUDIENCE = 'millrace login';

/** What a log-in that was begun leads to. */
export interface LoginGoal {
  /** An address of this server. */
  readonly returnTo: string;
  /** A program of the user that waits for the log-in. */
  readonly handOver?: HandOver;
}

/** Where a command line waits for a log-in, and how it shows that it is the one. */
export interface HandOver {
  /** On a loopback address. */
  readonly port: number;
  /** SHA-256, base64url, of a secret that only the command line knows. */
  readonly challenge: string;
  /** Its own, given back to it. */
  readonly state: string;
}

/** A log-in that was begun in this browser. */
export interface BegunLogin extends LoginGoal {
  /** Of PKCE, for the forge. */
  readonly verifier: string;
}

interface StateClaims extends BegunLogin {
  readonly state: string;
  readonly forge: LoginForge;
  readonly iat: number;
}

/**
 * What a browser keeps from the beginning of a log-in to its end: a signed cookie for each one,
 * named by its `state`. So a `state` is good in the browser that began the log-in and in no other,
 * several log-ins do not disturb each other, and nobody fills the database by beginning log-ins.
 * That it is used once, the database says.
 */
@Injectable()
export class LoginStates {
  private readonly style: CookieStyle;

  constructor(
    private readonly jwt: JwtService,
    private readonly key: SigningKey,
    private readonly used: UsedOnce,
    config: MillraceConfig,
  ) {
    this.style = new CookieStyle(config.publicUrl ?? '');
  }

  /** @param cookieHeader what the browser sent */
  begin(
    forge: LoginForge,
    begun: BegunLogin,
    cookieHeader: string | undefined,
  ): { readonly state: string; readonly setCookies: readonly string[] } {
    const state = randomBytes(32).toString('base64url');
    const claims: Omit<StateClaims, 'iat'> = { ...begun, state, forge };
    const value = this.jwt.sign(claims, {
      secret: this.key.for('login-state'),
      algorithm: ALGORITHM,
      audience: AUDIENCE,
      expiresIn: LIFE_S,
    });
    return {
      state,
      setCookies: [
        ...this.surplus(cookieHeader).map((name) => this.style.header(name, '', 0)),
        this.style.header(cookieOf(state), value, LIFE_S),
      ],
    };
  }

  /**
   * The log-in of a `state`, once; undefined when this browser did not begin it, at this forge, in
   * the last minutes, or it was ended already.
   */
  async take(
    forge: LoginForge,
    state: string,
    cookieHeader: string | undefined,
  ): Promise<BegunLogin | undefined> {
    const name = this.style.name(cookieOf(state));
    const claims = this.read(requestCookies(cookieHeader).get(name));
    if (claims === undefined || claims.state !== state || claims.forge !== forge) return undefined;
    const end = new Date((claims.iat + LIFE_S) * 1000);
    return (await this.used.take(`login ${state}`, end)) ? claims : undefined;
  }

  /** `Set-Cookie` that takes the cookie of a `state` away. */
  clear(state: string): string {
    return this.style.header(cookieOf(state), '', 0);
  }

  /** Of log-ins that were begun, all but the newest; broken ones first. */
  private surplus(cookieHeader: string | undefined): string[] {
    const prefix = this.style.name(PREFIX);
    return [...requestCookies(cookieHeader)]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => ({ name, begunAt: this.read(value)?.iat ?? 0 }))
      .sort((one, other) => other.begunAt - one.begunAt)
      .slice(MOST - 1)
      .map(({ name }) => PREFIX + name.slice(prefix.length));
  }

  private read(value: string | undefined): StateClaims | undefined {
    if (value === undefined) return undefined;
    try {
      return this.jwt.verify<StateClaims>(value, {
        secret: this.key.for('login-state'),
        algorithms: [ALGORITHM],
        audience: AUDIENCE,
      });
    } catch {
      return undefined; // Whatever is wrong with it, it is none of ours.
    }
  }
}

function cookieOf(state: string): string {
  return PREFIX + createHash('sha256').update(state).digest('hex').slice(0, 16);
}
