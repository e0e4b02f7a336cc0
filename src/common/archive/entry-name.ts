import { ArchiveError } from './archive-error.js';
import { cutText } from '../values/cut-text.js';
import { REPLACEMENT } from '../values/text-rule.js';

/** Bytes, as in the kernel. */
const MAX_NAME = 4096;
const MAX_PART = 255;
/** Folders in each other, each of which costs time. `packTree` takes fewer. */
const MAX_PARTS = 256;

/**
 * The name of an entry as a path below the top: without `.`, doubled `/` and one at the end.
 * @throws ArchiveError `unsafe_name`
 */
export function checkedName(name: string): string {
  const refuse = (what: string): ArchiveError => {
    const entry = shownName(name);
    return new ArchiveError('unsafe_name', `The archive has ${what}: ${entry}`, { entry });
  };
  if (name.startsWith('/')) throw refuse('an absolute name');
  if (name.includes('\0')) throw refuse('a name with a NUL');
  // What is no UTF-8 has become U+FFFD: two such names would be one.
  if (name.includes(REPLACEMENT)) throw refuse('a name that is no UTF-8');
  if (Buffer.byteLength(name) > MAX_NAME) throw refuse(`a name of more than ${MAX_NAME} bytes`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse('a name that leads out by ".."');
  if (parts.length > MAX_PARTS) throw refuse(`a name of more than ${MAX_PARTS} folders`);
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART)) {
    throw refuse(`a name with a part of more than ${MAX_PART} bytes`);
  }
  return parts.join('/');
}

/**
 * What a link leads to, as it is written.
 * @throws ArchiveError `unsafe_name`
 */
export function checkedTarget(target: string | null | undefined, entry: string): string {
  if (target !== null && target !== undefined && target !== '') {
    const isText = !target.includes('\0') && !target.includes(REPLACEMENT);
    if (isText && Buffer.byteLength(target) < MAX_NAME) return target;
  }
  const message = `The archive has a link to what is no path: ${entry}`;
  throw new ArchiveError('unsafe_name', message, { entry });
}

/** For messages: short, and without what a terminal would obey. */
export function shownName(name: string): string {
  return cutText(name.replace(/\p{Cc}/gu, '?'), 200);
}
