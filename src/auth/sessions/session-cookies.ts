import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { CookieStyle, requestCookies } from '../principals/cookies.js';
import { SigningKey } from './signing-key.js';

/** Header in which a page sends back what `GET /api/sessions/me` told it. */
export const CSRF_HEADER = 'x-csrf-token';

const COOKIE = 'millrace_session';
const FORM = /^([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/;

export interface SessionCookie {
  readonly sessionId: string;
  readonly secret: string;
}

/** The cookie of a browser's session, and the text that shows that its own page sends a request. */
@Injectable()
export class SessionCookies {
  private readonly style: CookieStyle;

  constructor(
    config: MillraceConfig,
    private readonly key: SigningKey,
  ) {
    this.style = new CookieStyle(config.publicUrl ?? '');
  }

  newSecret(): string {
    return randomBytes(32).toString('base64url');
  }

  read(header: string | undefined): SessionCookie | undefined {
    const value = requestCookies(header).get(this.style.name(COOKIE)) ?? '';
    const [, sessionId, secret] = FORM.exec(value) ?? [];
    return sessionId === undefined || secret === undefined ? undefined : { sessionId, secret };
  }

  /** `Set-Cookie`. */
  set({ sessionId, secret }: SessionCookie, maxAgeSeconds: number): string {
    return this.style.header(COOKIE, `${sessionId}.${secret}`, maxAgeSeconds);
  }

  /** `Set-Cookie` that takes it away. */
  clear(): string {
    return this.style.header(COOKIE, '', 0);
  }

  csrfToken(sessionId: string): string {
    return createHmac('sha256', this.key.for('csrf')).update(sessionId).digest('base64url');
  }

  /** Whether a request that changes something was sent by a page that may read our answers. */
  isOwnPage(sessionId: string, header: string | undefined): boolean {
    const own = Buffer.from(this.csrfToken(sessionId));
    const given = Buffer.from(header ?? '');
    return given.length === own.length && timingSafeEqual(given, own);
  }
}
