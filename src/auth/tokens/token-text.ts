import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const FORM =
  /^mrt_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** A new token. Its id stands in it; whoever finds one can say which to revoke. */
export function newTokenText(id: string): string {
  return `mrt_${id.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
}

/** The id of a token; undefined for what has not the form of one. */
export function tokenIdOf(text: string): string | undefined {
  return FORM.exec(text)?.slice(1).join('-');
}

export function tokenHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function isTokenOf(hash: string, text: string): boolean {
  return timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(tokenHash(text), 'hex'));
}
