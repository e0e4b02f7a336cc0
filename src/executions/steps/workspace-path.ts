import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';

export type WorkspacePath =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'missing' };

/**
 * Resolves a folder named by a pipeline against the workspace, links included; what leads out of it is `outside`, what is
 * there but is no folder is `missing`.
 */
export async function resolveInWorkspace(
  workspace: string,
  folder: string | undefined,
): Promise<WorkspacePath> {
  if (folder === undefined || folder === '' || folder === '.') {
    return { kind: 'inside', path: workspace };
  }
  if (isAbsolute(folder) || isOutside(workspace, join(workspace, folder))) {
    return { kind: 'outside' };
  }
  try {
    const [root, path] = await Promise.all([
      realpath(workspace),
      realpath(join(workspace, folder)),
    ]);
    if (isOutside(root, path)) return { kind: 'outside' };
    return (await isFolder(path)) ? { kind: 'inside', path } : { kind: 'missing' };
  } catch (error) {
    if (isMissing(error)) return { kind: 'missing' };
    throw error;
  }
}

/** False for what is not there, too; follows links. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function isOutside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}
