import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether `hex` is the HMAC-SHA256 of the body under the secret. False for everything that is not
 * 64 hex digits, and for an empty secret.
 */
export function isHmac(hex: string | undefined, body: Buffer, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = hex !== undefined && /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : null;
  return timingSafeEqual(given ?? Buffer.alloc(32), expected) && given !== null && secret !== '';
}

/** Whether two texts are equal; the time it takes tells neither length nor content. */
export function isSameText(given: string | undefined, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return (
    timingSafeEqual(digest(given ?? ''), digest(secret)) && given !== undefined && secret !== ''
  );
}

/** A header that was sent once; Node joins those that came twice. */
export function oneHeader(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
