import type { Request } from 'express';
import type { StorageEngine } from 'multer';
import { extname } from 'node:path';
import { MillraceError, validationError } from '../../common/errors/millrace.error.js';
import { otherField, receiveFile } from '../../common/http/file-upload.js';
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
  const file = await receiveFile(request, { storage: boundedMemory, limit, refusalOf });
  if (!file) {
    throw validationError('The upload holds no file.', {
      suggestions: ['Send it as field `pipeline`, for example: curl -F pipeline=@pipeline.yaml …'],
    });
  }
  if (file.size > MAX_YAML_BYTES) throw yamlTooLarge();
  return decodeYamlBytes(file.buffer);
}

function refusalOf(file: Express.Multer.File): MillraceError | undefined {
  const refusal = otherField(file, UPLOAD_FIELDS);
  if (refusal) return refusal;
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
