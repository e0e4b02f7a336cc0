import type { Response } from 'express';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MillraceRequest } from '../../common/http/request-context.js';
import type { ByteRange } from '../../integrations/object-store/object-store.js';
import type { Artifact } from './artifact.js';

/** What of a file is asked for. */
export type AskedRange =
  | { readonly kind: 'whole' | 'part'; readonly range: Required<ByteRange> }
  | { readonly kind: 'unsatisfiable' };

/**
 * The range of a request for a file. More than one range, or another unit, is the whole file, as
 * RFC 9110 allows; so is a range of another file than the client has begun with (`If-Range`).
 */
export function askedRange(
  request: Pick<MillraceRequest, 'range' | 'headers'>,
  { size, digest }: Pick<Artifact, 'size' | 'digest'>,
): AskedRange {
  const begun = request.headers['if-range'];
  if (begun !== undefined && begun !== entityTag(digest)) {
    return { kind: 'whole', range: { offset: 0, length: size } };
  }
  const ranges = request.range(size, { combine: true });
  if (ranges === -1) return { kind: 'unsatisfiable' };
  const [only, ...more] = Array.isArray(ranges) && ranges.type === 'bytes' ? ranges : [];
  if (only === undefined || more.length > 0) {
    return { kind: 'whole', range: { offset: 0, length: size } };
  }
  return { kind: 'part', range: { offset: only.start, length: only.end - only.start + 1 } };
}

/**
 * What is sent with a file that anybody may have written: a browser saves it and never shows it, as
 * a page of ours least of all.
 */
export function sendAsFile(response: Response, name: string, type: string): void {
  response.attachment(name);
  response.setHeader('Content-Type', type);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Security-Policy', "sandbox; default-src 'none'");
  response.setHeader('Cache-Control', 'private, no-transform');
}

/** Headers of one artifact, and the status for what was asked of it. */
export function describeArtifact(
  response: Response,
  { path, size, digest }: Artifact,
  asked: AskedRange,
): void {
  sendAsFile(response, basename(path), 'application/octet-stream');
  response.setHeader('ETag', entityTag(digest));
  response.setHeader('Repr-Digest', `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`);
  response.setHeader('Accept-Ranges', 'bytes');
  if (asked.kind === 'unsatisfiable') {
    response.status(416).setHeader('Content-Range', `bytes */${size}`);
    return;
  }
  const { offset, length } = asked.range;
  response.setHeader('Content-Length', length);
  if (asked.kind === 'whole') return;
  response.status(206).setHeader('Content-Range', `bytes ${offset}-${offset + length - 1}/${size}`);
}

function entityTag(digest: string): string {
  return `"${digest}"`;
}

/** Sends a stream; a client that has gone ends it, and a stream that fails ends the connection. */
export async function sendStream(response: Response, stream: Readable): Promise<void> {
  try {
    await pipeline(stream, response);
  } catch (error) {
    if (response.headersSent || response.destroyed) return;
    throw error;
  }
}
