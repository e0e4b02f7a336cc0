import type { Request } from 'express';
import { createHash } from 'node:crypto';
import { payloadTooLarge, serviceUnavailable, validationError } from '../errors/millrace.error.js';
import type { MillraceError } from '../errors/millrace.error.js';
import type { BodyShare } from './body-budget.js';
import { IDEMPOTENCY_KEY_HEADER } from './idempotency-header.js';
import type { MillraceRequest } from './request-context.js';

/**
 * The whole body of a request, as it came. With an `Idempotency-Key` its digest is noted on the
 * request.
 * @param limit largest body, bytes
 * @throws PayloadTooLargeError, ServiceUnavailableError as soon as there is no room,
 *   ValidationError when the client goes away
 */
export async function readBody(
  request: MillraceRequest,
  limit: number,
  share: BodyShare,
): Promise<Buffer> {
  const bytes = await receive(request, limit, share);
  if (request.headers[IDEMPOTENCY_KEY_HEADER] !== undefined) {
    request.bodyDigest = createHash('sha256').update(bytes).digest('hex');
  }
  return bytes;
}

async function receive(request: Request, limit: number, share: BodyShare): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw bodyTooLarge(limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) finish(() => reject(bodyTooLarge(limit)));
      else if (!share.grow(size)) finish(() => reject(tooManyBodies()));
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(() => resolve(Buffer.concat(chunks, size)));
    const onAbort = (): void =>
      finish(() => reject(validationError('The request ended before its body was complete.')));
    const finish = (settle: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('close', onAbort).off('error', onAbort);
      settle();
    };
    request.on('data', onData).on('end', onEnd).on('close', onAbort).on('error', onAbort);
  });
}

/** 413. @param limit bytes */
export function bodyTooLarge(limit: number): MillraceError {
  return payloadTooLarge(`The body is larger than ${limit} bytes.`, limit);
}

/** The budget may be full for a while; what was read so far is dropped, so that it empties. */
function tooManyBodies(): MillraceError {
  return serviceUnavailable('Too many large requests are being read at once.', {
    retryAfterSeconds: 2,
  });
}
