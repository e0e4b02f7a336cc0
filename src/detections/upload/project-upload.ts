import type { Request } from 'express';
import type { StorageEngine } from 'multer';
import { MillraceError, validationError } from '../../common/errors/millrace.error.js';
import { otherField, receiveFile } from '../../common/http/file-upload.js';
import { unpackProject } from './unpack-project.js';

/** Names that the file's field may have. */
export const ARCHIVE_FIELDS = ['archive', 'file'] as const;

export interface UploadLimits {
  /** Largest body, bytes. */
  readonly maxUpload: number;
  /** Time from the first byte of the archive to its last file, milliseconds. */
  readonly unpackMs?: number;
  readonly maxEntries?: number;
}

/** Unpacked, a project may be so many times as large as the largest upload. */
const MAX_RATIO = 20;
export const MAX_ENTRIES = 50_000;
const UNPACK_MS = 60_000;

/**
 * Unpacks the archive of a multipart request while it comes, to a folder that is not there yet.
 * Other fields are in `request.body` then. When it is over, however, nothing writes there any more.
 * @throws ValidationError, PayloadTooLargeError, UnprocessableError, TimeoutError
 */
export async function receiveProject(
  request: Request,
  target: string,
  { maxUpload: limit, unpackMs = UNPACK_MS, maxEntries = MAX_ENTRIES }: UploadLimits,
): Promise<void> {
  const limits = { maxBytes: limit * MAX_RATIO, maxEntries };
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(takesTooLong()), unpackMs);
  let unpacking: Promise<void> = Promise.resolve();
  const storage: StorageEngine = {
    _handleFile(_request, { stream }, done) {
      unpacking = unpackProject(stream, target, limits, end.signal);
      unpacking.then(
        () => done(null, {}),
        (error: unknown) => done(error),
      );
    },
    _removeFile(_request, _file, done) {
      done(null);
    },
  };
  const refusalOf = (file: Express.Multer.File): MillraceError | undefined =>
    otherField(file, ARCHIVE_FIELDS);
  try {
    const file = await receiveFile(request, { storage, limit, refusalOf });
    if (file === undefined) throw noArchive();
  } catch (error) {
    end.abort(new Error('The upload is over.'));
    const own = await unpacking.catch((reason: unknown) => reason);
    // An archive that is refused ends its stream, which the reader of the form takes for a bad one.
    const isSize = error instanceof MillraceError && error.kind === 'PayloadTooLargeError';
    throw !isSize && own instanceof MillraceError ? own : error;
  } finally {
    clearTimeout(timer);
  }
}

/** 400 */
export function noArchive(): MillraceError {
  return validationError('The upload holds no file.', {
    suggestions: ['Send a tar as field `archive`, for example: curl -F archive=@project.tar.gz …'],
  });
}

/** 504 */
export function takesTooLong(): MillraceError {
  return new MillraceError('TimeoutError', 'The archive takes too long to be unpacked.', {
    details: { code: 'unpack_timeout' },
    suggestions: ['Leave out what is made or installed, such as node_modules; sources are enough.'],
  });
}
