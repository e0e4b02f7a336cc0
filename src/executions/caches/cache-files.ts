import { createHash, type Hash } from 'node:crypto';
import { TreeWalk } from '../../common/globs/walk-globs.js';
import { reasonOrThrow } from '../../common/tree/left-out.js';
import { TreeFolder } from '../../common/tree/tree-folder.js';
import { Globs } from '../../common/values/globs/globs.js';

/** Names that are looked at for the files of a key. */
const MAX_WALKED = 1_000_000;
/** Hex digits of a key. */
const DIGITS = 32;

/**
 * A text for the content of the files that globs include: the same for the same names and bytes.
 * Undefined: they include none. No link is followed.
 */
export async function hashOfFiles(
  root: string,
  globs: readonly string[],
): Promise<string | undefined> {
  const walk = new TreeWalk(new Globs(globs), { maxEntries: MAX_WALKED });
  const whole = createHash('sha256');
  let files = 0;
  const top = await TreeFolder.open(root);
  try {
    for await (const { kind, path, name, parent } of walk.entries(top)) {
      if (kind !== 'file') continue;
      const content = createHash('sha256');
      if (!(await addContent(content, parent, name))) continue;
      whole.update(`${path}\0${content.digest('hex')}\0`);
      files += 1;
    }
  } finally {
    await top.close();
  }
  return files === 0 ? undefined : whole.digest('hex').slice(0, DIGITS);
}

/** False: it is gone, or is no file any more. */
async function addContent(hash: Hash, parent: TreeFolder, name: string): Promise<boolean> {
  const file = await parent.file(name).catch(reasonOrThrow);
  if (typeof file === 'string') return false;
  try {
    if (!(await file.stat()).isFile()) return false;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk as Buffer);
    }
    return true;
  } finally {
    await file.close();
  }
}
