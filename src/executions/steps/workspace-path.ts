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
    return (await stat(path)).isDirectory() ? { kind: 'inside', path } : { kind: 'missing' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return { kind: 'missing' };
    throw error;
  }
}

function isOutside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}
