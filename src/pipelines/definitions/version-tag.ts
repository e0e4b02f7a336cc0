import { validationError } from '../../common/errors/millrace.error.js';
import type { PipelineDocument } from './pipeline.schema.js';

/**
 * `ETag` of a pipeline: its version, and how often it was changed apart from its YAML when it ever
 * was (`"3"`, `"3.1"`). Two states of one pipeline never have the same.
 */
export function versionTag({
  version,
  changes = 0,
}: Pick<PipelineDocument, 'version' | 'changes'>): string {
  return changes === 0 ? `"${version}"` : `"${version}.${changes}"`;
}

/**
 * The tag in an `If-Match` header; `undefined` when there is none or it is `*`.
 * @throws ValidationError when it is not one of our tags
 */
export function parseIfMatch(header: string | undefined): string | undefined {
  const text = header?.trim() ?? '';
  if (text === '' || text === '*') return undefined;
  const tag = /^(?:W\/)?"?(\d{1,9}(?:\.\d{1,9})?)"?$/.exec(text)?.[1];
  if (tag !== undefined) return `"${tag}"`;
  throw validationError('If-Match holds no tag of a pipeline.', {
    suggestions: ['Send the ETag of the pipeline as it was, such as `If-Match: "3"`.'],
  });
}
