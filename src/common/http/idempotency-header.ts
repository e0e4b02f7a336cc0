import type { IncomingMessage } from 'node:http';
import { validationError, type MillraceError } from '../errors/millrace.error.js';

export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';
/** On an answer that was given before. */
export const IDEMPOTENCY_REPLAYED_HEADER = 'Idempotency-Replayed';

/** Printable ASCII: what every client and proxy passes on unchanged. */
const USABLE_KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a request; `undefined` without one.
 * @throws ValidationError when it is empty, longer than 255 characters, not printable, or sent
 *   twice
 */
export function idempotencyKeyOf(
  request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
): string | undefined {
  if (request.headers[IDEMPOTENCY_KEY_HEADER] === undefined) return undefined;
  const [key = '', ...others] = request.headersDistinct[IDEMPOTENCY_KEY_HEADER] ?? [];
  if (others.length === 0 && USABLE_KEY.test(key)) return key;
  throw unusableKey();
}

/** 400 */
export function unusableKey(): MillraceError {
  return validationError('Idempotency-Key is not usable.', {
    suggestions: [
      'Send the header once, with 1 to 255 printable ASCII characters, such as a new UUID for each thing to create.',
    ],
  });
}
