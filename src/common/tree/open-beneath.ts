import { TreeFolder } from './tree-folder.js';

export type Beneath =
  | { readonly kind: 'folder'; readonly folder: TreeFolder }
  /** It leads out of the tree, by itself or by a link. */
  | { readonly kind: 'outside' }
  /** It is not there, is no folder, or its links go round. */
  | { readonly kind: 'missing' };

/** As the kernel has it. */
const MAX_LINKS = 40;

/**
 * Opens a folder of a tree that strangers write at the same time. Links are followed by us, name by
 * name from folders that are held open, so that no change of the tree leads out of it. Whoever gets
 * a folder closes it.
 *
 * @param root a path that no stranger can change
 * @throws an error of the file system that says nothing of the tree
 */
export async function openBeneath(root: string, path: string): Promise<Beneath> {
  if (path.startsWith('/')) return { kind: 'outside' };
  const open: TreeFolder[] = [await TreeFolder.open(root)];
  try {
    const end = await walk(open, path.split('/'));
    const folder = end === 'folder' ? open.pop() : undefined;
    if (folder !== undefined) return { kind: 'folder', folder };
    return { kind: end === 'outside' ? end : 'missing' };
  } finally {
    for (const folder of open) await folder.close();
  }
}

/** `open`: the folders from the top to where the walk stands. */
async function walk(
  open: TreeFolder[],
  names: string[],
): Promise<'folder' | 'outside' | 'missing'> {
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '' || name === '.') continue;
    const at = open.at(-1);
    if (at === undefined) throw new Error('the walk has left its top');
    if (name === '..') {
      if (open.length === 1) return 'outside';
      await open.pop()?.close();
      continue;
    }
    const entry = await look(at, name);
    if (entry === undefined) return 'missing';
    if (typeof entry !== 'string') {
      open.push(entry);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return 'missing';
    if (entry.startsWith('/')) return 'outside';
    names.unshift(...entry.split('/'));
  }
  return 'folder';
}

/** A folder, or what a link says. */
async function look(at: TreeFolder, name: string): Promise<TreeFolder | string | undefined> {
  try {
    return await at.folder(name);
  } catch (error) {
    if (!isNoFolder(error)) throw error;
  }
  try {
    return (await at.link(name)).toString();
  } catch (error) {
    if (!isNoFolder(error)) throw error;
    return undefined;
  }
}

function isNoFolder(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'EACCES', 'ENAMETOOLONG'].includes(code);
}
