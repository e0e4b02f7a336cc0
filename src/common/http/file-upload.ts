import type { Request } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { MillraceError, payloadTooLarge, validationError } from '../errors/millrace.error.js';

export interface FileUpload {
  /** Where the file goes while it comes. */
  readonly storage: StorageEngine;
  /** Largest file, bytes. */
  readonly limit: number;
  /** Why a file is not taken, by its field, name and media type. */
  readonly refusalOf: (file: Express.Multer.File) => MillraceError | undefined;
}

/** What a multipart body may have around the file: boundaries, headers, small fields. */
const FRAMING = 64 * 1024;

/**
 * Receives the one file of a multipart body; its other fields are in `request.body` then.
 * Undefined: there is no file in it.
 * @throws ValidationError, PayloadTooLargeError (at once, not after the rest has come), what
 *   `refusalOf` gives, and a MillraceError of the storage
 */
export async function receiveFile(
  request: Request,
  upload: FileUpload,
): Promise<Express.Multer.File | undefined> {
  const { limit } = upload;
  const total = limit + FRAMING;
  if (Number(request.headers['content-length'] ?? 0) > total) throw uploadTooLarge(limit);
  await receive(request, upload, total);
  const [file] = (request.files ?? []) as Express.Multer.File[];
  return file;
}

function receive(
  request: Request,
  { storage, limit, refusalOf }: FileUpload,
  total: number,
): Promise<void> {
  const parse = multer({
    storage,
    limits: { fileSize: limit, files: 1, fields: 20, fieldSize: 1024, parts: 21, headerPairs: 50 },
    fileFilter: (_request, file, accept) => {
      const refusal = refusalOf(file);
      if (refusal) accept(refusal);
      else accept(null, true);
    },
  }).any();
  return new Promise((resolve, reject) => {
    let size = 0;
    const count = (part: Buffer): void => {
      size += part.length;
      if (size <= total) return;
      request.off('data', count);
      reject(uploadTooLarge(limit));
    };
    parse(request, request.res as never, (error?: unknown) => {
      request.off('data', count);
      if (error === undefined || error === null) resolve();
      else reject(uploadError(error, limit));
    });
    // After `parse` has begun to read: a listener sets the stream flowing.
    request.on('data', count);
    request.once('close', () => {
      if (!request.complete) reject(validationError('The upload ended before it was complete.'));
    });
  });
}

/** 400 for a file that is in none of these fields. */
export function otherField(
  { fieldname }: Express.Multer.File,
  accepted: readonly string[],
): MillraceError | undefined {
  if (accepted.includes(fieldname)) return undefined;
  return validationError('The file is in a field of another name.', {
    details: { field: fieldname.slice(0, 100), accepted },
    suggestions: [`Send the file as one of the fields: ${accepted.join(', ')}.`],
  });
}

function uploadError(error: unknown, limit: number): MillraceError {
  if (error instanceof MillraceError) return error;
  if (error instanceof MulterError && error.code === 'LIMIT_FILE_SIZE')
    return uploadTooLarge(limit);
  const code = error instanceof MulterError ? error.code : 'MALFORMED';
  return validationError('The multipart body is not usable.', {
    details: { code },
    suggestions: ['Send one file in a well-formed multipart/form-data body, as `curl -F` does.'],
    cause: error,
  });
}

/** 413. @param limit bytes */
export function uploadTooLarge(limit: number): MillraceError {
  return payloadTooLarge(`The upload is larger than ${limit} bytes.`, limit);
}
