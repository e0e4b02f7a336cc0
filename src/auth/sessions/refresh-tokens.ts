import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SigningKey } from './signing-key.js';

/** Which refresh token of a session a text is. */
export interface RefreshTokenParts {
  readonly sessionId: string;
  /** Counted from 0; each exchange makes the next one. */
  readonly generation: number;
}

const FORM = /^mrr_([0-9a-f]{32})_(\d{1,9})_([A-Za-z0-9_-]{43})$/;

/**
 * Refresh tokens. They are made from the key of the server, the session and a number, so that the
 * same exchange gives the same successor without anybody having stored it: the database holds
 * hashes only. Without the key nobody can make one, so a number that is behind says that a token
 * which was good once has come again.
 */
export class RefreshTokens {
  constructor(private readonly key: Pick<SigningKey, 'for'>) {}

  make({ sessionId, generation }: RefreshTokenParts): string {
    const head = `mrr_${sessionId.replaceAll('-', '')}_${String(generation)}`;
    return `${head}_${this.sign(head).toString('base64url')}`;
  }

  /** Undefined for what was not made here. */
  parse(token: string): RefreshTokenParts | undefined {
    const [, id, generation, signature] = FORM.exec(token) ?? [];
    if (id === undefined || generation === undefined || signature === undefined) return undefined;
    const given = Buffer.from(signature, 'base64url');
    const own = this.sign(`mrr_${id}_${generation}`);
    if (given.length !== own.length || !timingSafeEqual(given, own)) return undefined;
    return { sessionId: dashed(id), generation: Number(generation) };
  }

  private sign(head: string): Buffer {
    return createHmac('sha256', this.key.for('refresh')).update(head).digest();
  }
}

function dashed(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
