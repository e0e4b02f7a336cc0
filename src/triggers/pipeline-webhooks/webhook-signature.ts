import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Which delivery it is: the same text again is the same delivery. */
export const DELIVERY_ID_HEADER = 'x-millrace-delivery';

/** Headers in which an HMAC-SHA256 of the body comes, as `sha256=<64 hex digits>`. */
const SIGNATURE_HEADERS = ['x-millrace-signature', 'x-hub-signature-256'] as const;

/**
 * Whether a request knows the secret: by an HMAC over the bytes of its body, or, where it has none,
 * as its bearer token. Takes the same time whatever is wrong.
 */
export function isSigned(headers: IncomingHttpHeaders, body: Buffer, secret: string): boolean {
  const signature = SIGNATURE_HEADERS.map((name) => headers[name]).find(
    (value) => value !== undefined,
  );
  if (signature !== undefined) {
    const hex = createHmac('sha256', secret).update(body).digest('hex');
    return isSame(`sha256=${hex}`, String(signature).toLowerCase());
  }
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return isSame(secret, bearer ?? '');
}

function isSame(expected: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
