const SEGMENT = /^[A-Za-z0-9._-]{1,128}$/;
const MAX_KEY_LENGTH = 512;

/**
 * Name of an object: 1 to 512 characters, segments of 1 to 128 of `A-Z a-z 0-9 . _ -` with `/`
 * between them, none of them `.` or `..`. Only the functions of this file make one, so that no
 * adapter meets a name that leads elsewhere. What users name (an artifact, a path) is data beside
 * the object, never its key.
 */
export type ObjectKey = string & { readonly objectKey: unique symbol };

/** The key, or undefined for a text that is none. */
export function parseObjectKey(text: string): ObjectKey | undefined {
  const isKey = text.length <= MAX_KEY_LENGTH && text.split('/').every(isSegment);
  return isKey ? (text as ObjectKey) : undefined;
}

/**
 * The key of these segments.
 * @throws RangeError for one that is none, or all together longer than a key may be
 */
export function objectKey(...segments: readonly string[]): ObjectKey {
  const wrong = segments.find((segment) => !isSegment(segment));
  const key = parseObjectKey(segments.join('/'));
  if (wrong !== undefined || key === undefined) {
    throw new RangeError(`no segment of an object key: ${JSON.stringify(wrong ?? segments)}`);
  }
  return key;
}

function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== '.' && text !== '..';
}
