import type { IncomingHttpHeaders } from 'node:http';
import { mediaType } from '../../common/http/content-type.js';

/** How a forge sends a webhook as a form: the JSON is its field `payload`. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/**
 * The JSON that a body is or, where it is a form, holds; a form without it stays as it is, which is
 * no JSON. Signatures are of the body itself.
 */
export function jsonIn(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  if (mediaType(headers['content-type']) !== FORM_TYPE) return body;
  const payload = new URLSearchParams(body.toString('utf8')).get('payload');
  return payload === null ? body : Buffer.from(payload);
}

const FIELD = Buffer.from('payload=');
const MAX_UNVERIFIED = 4 * 1024 * 1024;

/**
 * The same of a body that nobody has verified: of a form only its first field, and the start of
 * that, because a sender could make millions of fields.
 */
export function unverifiedJsonIn(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  if (mediaType(headers['content-type']) !== FORM_TYPE) return body;
  if (!body.subarray(0, FIELD.length).equals(FIELD)) return body;
  const start = body.subarray(0, FIELD.length + MAX_UNVERIFIED);
  const end = start.indexOf('&');
  return jsonIn(headers, end < 0 ? start : start.subarray(0, end));
}
