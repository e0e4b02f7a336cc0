import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';

export type WorkspacePath =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'missing' };

/** Resolves a folder named by a pipeline against the workspace, links included; what leads out of it is `outside`. */
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
    return isOutside(root, path) ? { kind: 'outside' } : { kind: 'inside', path };
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
