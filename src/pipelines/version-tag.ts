import { validationError } from '../common/errors/millrace.error.js';

/** `ETag` of a pipeline at a version. */
export function versionTag(version: number): string {
  return `"${version}"`;
}

/**
 * Version in an `If-Match` header; `undefined` when there is none or it is `*`.
 * @throws ValidationError when it is not one of our tags
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '' || text === '*') return undefined;
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(text)?.[1];
  if (version !== undefined) return Number(version);
  throw validationError('If-Match holds no version.', {
    suggestions: ['Send the ETag of the pipeline as it was, such as `If-Match: "3"`.'],
  });
}
