import { MillraceError, validationError } from '../errors/millrace.error.js';
import { byteAddress, utf8Problem } from '../values/text-rule.js';
import { refuseEncoding } from './consumes.js';
import type { BodyBudget } from './body-budget.js';
import { charset } from './content-type.js';
import { readBody } from './read-body.js';
import type { MillraceRequest } from './request-context.js';

/** @throws UnsupportedMediaTypeError for a body that is compressed, or announced as other text */
function refuseOtherCharset({
  headers,
}: {
  readonly headers: {
    readonly 'content-type'?: string;
    readonly 'content-encoding'?: string;
  };
}): void {
  refuseEncoding(headers);
  const name = charset(headers['content-type']) ?? 'utf-8';
  if (name === 'utf-8' || name === 'utf8') return;
  throw new MillraceError('UnsupportedMediaTypeError', 'Bodies are taken as UTF-8 only.', {
    suggestions: ['Send the body as UTF-8.'],
  });
}

/**
 * @param keepsMark whether a byte order mark stays in the text
 * @throws ValidationError
 */
export function decodeUtf8(bytes: Buffer, { keepsMark }: { readonly keepsMark: boolean }): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepsMark }).decode(bytes);
  } catch (error) {
    throw validationError('The body is not UTF-8.', {
      details: byteAddress(bytes, utf8Problem(bytes) ?? 0),
      suggestions: ['Send the body as UTF-8.'],
      cause: error,
    });
  }
}

/**
 * What `make` makes of the body of a request; its bytes count for the budget until then.
 *
 * @param limit largest body, bytes
 * @throws ValidationError for another charset, and what `readBody` and `make` throw
 */
export async function readUtf8Body<T>(
  request: MillraceRequest,
  limit: number,
  budget: BodyBudget,
  make: (bytes: Buffer) => T | Promise<T>,
): Promise<T> {
  refuseOtherCharset(request);
  const share = budget.open();
  try {
    return await make(await readBody(request, limit, share));
  } finally {
    share.release();
  }
}
