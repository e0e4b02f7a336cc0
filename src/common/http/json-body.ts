import type { NextFunction, Request, Response } from 'express';
import { createHash } from 'node:crypto';
import { MillraceError, payloadTooLarge, validationError } from '../errors/millrace.error.js';
import { announcesBody, charset, mediaType } from './content-type.js';
import { idempotencyKeyHeader } from './idempotency-header.js';
import type { MillraceRequest } from './request-context.js';

/**
 * Reads JSON bodies into `request.body`. Unlike Express's own parser it answers 413 at once instead of after the
 * whole body came, takes no compressed bodies (a small one may be gigabytes), refuses what is not UTF-8, and
 * says where the JSON breaks. Only requests of somebody known are read; all others end in 401 without it.
 * @param limit largest body, bytes
 */
export function jsonBody(
  limit: number,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const wanted =
      (request as MillraceRequest).actor !== undefined &&
      announcesBody(request.headers) &&
      mediaType(request.headers['content-type']) === 'application/json';
    if (!wanted) {
      next();
      return;
    }
    readJson(request as MillraceRequest, limit).then(
      (body) => {
        request.body = body;
        next();
      },
      (error: unknown) => next(error),
    );
  };
}

async function readJson(request: MillraceRequest, limit: number): Promise<unknown> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new MillraceError('UnsupportedMediaTypeError', 'Compressed bodies are not taken.', {
      suggestions: ['Send the body without Content-Encoding.'],
    });
  }
  const encodingOfText = charset(request.headers['content-type']) ?? 'utf-8';
  if (encodingOfText !== 'utf-8' && encodingOfText !== 'utf8') {
    throw new MillraceError('UnsupportedMediaTypeError', 'JSON is taken as UTF-8 only.', {
      suggestions: ['Send the body as UTF-8.'],
    });
  }
  const bytes = await readBody(request, limit);
  if (request.headers[idempotencyKeyHeader] !== undefined) {
    request.bodyDigest = createHash('sha256').update(bytes).digest('hex');
  }
  return parseJson(decodeUtf8(bytes));
}

function tooLarge(limit: number): MillraceError {
  return payloadTooLarge(`The body is larger than ${limit} bytes.`, limit);
}

/** @throws PayloadTooLargeError as soon as the limit is passed, ValidationError when the client goes away */
async function readBody(request: Request, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) finish(() => reject(tooLarge(limit)));
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

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw validationError('The body is not UTF-8.', {
      suggestions: ['Send the body as UTF-8.'],
      cause: error,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw validationError('The body is not JSON.', {
      details: jsonPosition(text, error),
      suggestions: [
        'Check quotes, commas and brackets, for example with `jq .`; strings need double quotes.',
      ],
      cause: error,
    });
  }
}

/** Line and column, where V8 tells them; its own message quotes the body, which may hold secrets. */
function jsonPosition(text: string, error: unknown): { line: number; column: number } | undefined {
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return undefined;
  const before = text.slice(0, Number(position)).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
