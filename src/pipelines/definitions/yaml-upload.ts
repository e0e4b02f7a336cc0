import type { Request } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { extname } from 'node:path';
import {
  MillraceError,
  payloadTooLarge,
  validationError,
} from '../../common/errors/millrace.error.js';
import { MAX_YAML_BYTES } from '../../engine/yaml/source-text.js';
import { decodeYamlBytes, yamlTooLarge } from './yaml-source.js';

/** Names that the file's field may have. */
export const UPLOAD_FIELDS = ['pipeline', 'file', 'yaml'] as const;
const EXTENSIONS = ['.yaml', '.yml'];
/**
 * RFC 9512 and what was in use before it; `text/plain` and octet-stream are what browsers and curl
 * send for unknown extensions.
 */
const MEDIA_TYPES = [
  'application/yaml',
  'application/x-yaml',
  'text/yaml',
  'text/x-yaml',
  'text/vnd.yaml',
  'text/plain',
  'application/octet-stream',
];
/** What a multipart body may have around the file: boundaries, headers, small fields. */
const FRAMING = 64 * 1024;

interface YamlFile extends Express.Multer.File {
  /** Real size; `buffer` ends at the largest YAML that could be used. */
  size: number;
  buffer: Buffer;
}

/**
 * Keeps at most 1 MiB of a file in memory and counts the rest: a larger one is refused anyway. No
 * temporary file exists, so none can be left behind by an abort or a crash.
 */
const boundedMemory: StorageEngine = {
  _handleFile(_request, file, done) {
    const parts: Buffer[] = [];
    let size = 0;
    file.stream.on('data', (part: Buffer) => {
      if (size <= MAX_YAML_BYTES) parts.push(part);
      size += part.length;
    });
    file.stream.on('error', (error) => done(error));
    file.stream.on('end', () => done(null, { buffer: Buffer.concat(parts), size }));
  },
  _removeFile(_request, _file, done) {
    done(null);
  },
};

/**
 * Reads the YAML of a multipart request.
 * @param limit largest body, bytes
 * @throws ValidationError, PayloadTooLargeError (at once, not after the rest has come),
 *   UnprocessableError, UnsupportedMediaTypeError
 */
export async function readYamlUpload(request: Request, limit: number): Promise<string> {
  const total = limit + FRAMING;
  if (Number(request.headers['content-length'] ?? 0) > total) throw tooLarge(limit);
  await receive(request, limit, total);
  const files = (request.files ?? []) as YamlFile[];
  const file = files[0];
  if (!file) {
    throw validationError('The upload holds no file.', {
      suggestions: ['Send it as field `pipeline`, for example: curl -F pipeline=@pipeline.yaml …'],
    });
  }
  if (file.size > MAX_YAML_BYTES) throw yamlTooLarge();
  return decodeYamlBytes(file.buffer);
}

function receive(request: Request, limit: number, total: number): Promise<void> {
  const parse = multer({
    storage: boundedMemory,
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
      reject(tooLarge(limit));
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

function refusalOf(file: Express.Multer.File): MillraceError | undefined {
  if (!(UPLOAD_FIELDS as readonly string[]).includes(file.fieldname)) {
    return validationError('The file is in a field of another name.', {
      details: { field: file.fieldname.slice(0, 100), accepted: UPLOAD_FIELDS },
      suggestions: [`Send the file as one of the fields: ${UPLOAD_FIELDS.join(', ')}.`],
    });
  }
  const extension = extname(file.originalname).toLowerCase();
  if (!EXTENSIONS.includes(extension)) {
    return new MillraceError('UnsupportedMediaTypeError', 'The file is not named as YAML.', {
      details: { extension: extension.slice(0, 20), accepted: EXTENSIONS },
      suggestions: ['Name the file with .yaml or .yml.'],
    });
  }
  const type = file.mimetype.toLowerCase();
  if (!MEDIA_TYPES.includes(type)) {
    return new MillraceError('UnsupportedMediaTypeError', 'The file is not sent as YAML.', {
      details: { content_type: type.slice(0, 100), accepted: MEDIA_TYPES },
      suggestions: ['Send the part with the header `Content-Type: application/yaml`.'],
    });
  }
  return undefined;
}

function uploadError(error: unknown, limit: number): MillraceError {
  if (error instanceof MillraceError) return error;
  if (error instanceof MulterError && error.code === 'LIMIT_FILE_SIZE') return tooLarge(limit);
  const code = error instanceof MulterError ? error.code : 'MALFORMED';
  return validationError('The multipart body is not usable.', {
    details: { code },
    suggestions: ['Send one file in a well-formed multipart/form-data body, as `curl -F` does.'],
    cause: error,
  });
}

function tooLarge(limit: number): MillraceError {
  return payloadTooLarge(`The upload is larger than ${limit} bytes.`, limit);
}
