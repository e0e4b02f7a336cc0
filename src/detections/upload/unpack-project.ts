import type { Readable } from 'node:stream';
import { ArchiveError, type ArchiveErrorCode } from '../../common/archive/archive-error.js';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import { MillraceError, unprocessable } from '../../common/errors/millrace.error.js';

export interface ProjectLimits {
  /** Files of the project together, bytes. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

const GZIP = Buffer.of(0x1f, 0x8b);
const TOO_LARGE: ReadonlySet<ArchiveErrorCode> = new Set(['too_large', 'too_many_entries']);

/**
 * Unpacks a tar that anybody may have made, compressed by gzip or not, to a folder that is not
 * there yet. Its links stay inside; what they lead to need not be there.
 * @throws MillraceError UnprocessableError, PayloadTooLargeError; the reason of the signal
 */
export async function unpackProject(
  archive: Readable,
  target: string,
  limits: ProjectLimits,
  signal: AbortSignal,
): Promise<void> {
  try {
    const gzip = await isGzip(archive);
    await unpackTree(archive, target, { limits, gzip, signal, missingTargets: 'keep' });
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw TOO_LARGE.has(error.code) ? tooLarge(error, limits) : archiveRefused(error);
  }
}

/** By its first bytes, which stay in the stream: what senders call it says little. */
async function isGzip(archive: Readable): Promise<boolean> {
  for (;;) {
    const first = archive.read(GZIP.length) as Buffer | null;
    if (first !== null) {
      archive.unshift(first);
      return first.equals(GZIP);
    }
    if (archive.readableEnded || archive.destroyed) return false;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        archive.off('readable', go).off('end', go).off('close', go).off('error', go);
        resolve();
      };
      archive.on('readable', go).on('end', go).on('close', go).on('error', go);
    });
  }
}

function tooLarge({ code, message, entry }: ArchiveError, limits: ProjectLimits): MillraceError {
  return new MillraceError('PayloadTooLargeError', message, {
    details: {
      code,
      ...(code === 'too_large'
        ? { limit_bytes: limits.maxBytes }
        : { limit_entries: limits.maxEntries }),
      ...(entry !== undefined && { entry }),
    },
    suggestions: ['Leave out what is made or installed, such as node_modules; sources are enough.'],
  });
}

/** 422 */
export function archiveRefused({ code, message, entry }: ArchiveError): MillraceError {
  return unprocessable(message, {
    details: { code, ...(entry !== undefined && { entry }) },
    suggestions: [
      code === 'damaged'
        ? 'Send a tar, compressed by gzip or not: `tar czf project.tar.gz -C FOLDER .`'
        : 'Leave that entry out: files, folders and links that stay inside are taken.',
    ],
  });
}
