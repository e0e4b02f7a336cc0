import { isAbsolute, join, relative, sep } from 'node:path';
import { MISSING, OUTSIDE, RESOLVE } from '../../../workspaces/folder-scripts.js';
import type { StepUserScripts } from '../../../workspaces/step-user-scripts.js';

/** For a look at one folder, ms. */
const RESOLVE_MS = 10_000;

export type WorkspacePath =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'missing' }
  /** The check itself failed, for example by its time limit. */
  | { readonly kind: 'unknown'; readonly message: string };

/**
 * Resolves a folder named by a pipeline against the workspace, links included, by the eyes of the
 * step user; what leads out of it is `outside`, what is no folder, or one that the step may not
 * enter, is `missing`.
 */
export async function resolveInWorkspace(
  scripts: StepUserScripts,
  workspace: string,
  folder: string | undefined,
): Promise<WorkspacePath> {
  if (isWorkspaceItself(folder)) return { kind: 'inside', path: workspace };
  if (isAbsolute(folder) || isOutside(workspace, join(workspace, folder))) {
    return { kind: 'outside' };
  }
  const end = await scripts.run(RESOLVE, [workspace, folder], RESOLVE_MS);
  if (end.kind === 'broken') return { kind: 'unknown', message: end.message };
  if (end.code === MISSING) return { kind: 'missing' };
  if (end.code === OUTSIDE) return { kind: 'outside' };
  const [root, path] = end.stdout.split('\0');
  if (end.code !== 0 || root === undefined || path === undefined) {
    return { kind: 'unknown', message: end.stderr.trim() };
  }
  return isOutside(root, path) ? { kind: 'outside' } : { kind: 'inside', path };
}

function isWorkspaceItself(folder: string | undefined): folder is undefined {
  return folder === undefined || folder === '' || folder === '.';
}

function isOutside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}
