import { createHash, type Hash } from 'node:crypto';
import { TreeWalk } from '../../common/globs/walk-globs.js';
import { reasonOrThrow } from '../../common/tree/left-out.js';
import { TreeFolder } from '../../common/tree/tree-folder.js';
import { shownSize } from '../../common/values/shown-size.js';
import { Globs } from '../../common/values/globs/globs.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';

/** Bytes of the files of a key: they are read for each try of the step. */
const MAX_BYTES = 1024 ** 3;
/** Hex digits of a key. */
const DIGITS = 32;

/** The files of a key hold too much. */
export class KeyFilesError extends Error {
  constructor(maxBytes: number) {
    super(`the files of the key hold more than ${shownSize(maxBytes)}`);
    this.name = 'KeyFilesError';
  }
}

/**
 * A text for the content of the files that globs include: the same for the same names and bytes.
 * Undefined: they include none. No link is followed.
 *
 * @throws KeyFilesError, WalkLimitError, the reason of the signal, an error of the disk
 */
export async function hashOfFiles(
  root: string,
  globs: readonly string[],
  signal: AbortSignal,
  maxBytes = MAX_BYTES,
): Promise<string | undefined> {
  const walk = new TreeWalk(new Globs(globs), { maxEntries: MAX_TREE_ENTRIES });
  const whole = createHash('sha256');
  let files = 0;
  let bytes = 0;
  const count = (size: number): void => {
    signal.throwIfAborted();
    bytes += size;
    if (bytes > maxBytes) throw new KeyFilesError(maxBytes);
  };
  const top = await TreeFolder.open(root);
  try {
    for await (const { kind, path, name, parent } of walk.entries(top)) {
      signal.throwIfAborted();
      if (kind !== 'file') continue;
      const content = createHash('sha256');
      if (!(await addContent(content, parent, name, count))) continue;
      whole.update(`${path}\0${content.digest('hex')}\0`);
      files += 1;
    }
  } finally {
    await top.close();
  }
  return files === 0 ? undefined : whole.digest('hex').slice(0, DIGITS);
}

/** False: it is gone, or is no file any more. */
async function addContent(
  hash: Hash,
  parent: TreeFolder,
  name: string,
  count: (bytes: number) => void,
): Promise<boolean> {
  const file = await parent.file(name).catch(reasonOrThrow);
  if (typeof file === 'string') return false;
  try {
    if (!(await file.stat()).isFile()) return false;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      count((chunk as Buffer).length);
      hash.update(chunk as Buffer);
    }
    return true;
  } finally {
    await file.close();
  }
}
