import type { Stats } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { TreeFolder } from '../../../common/tree/tree-folder.js';
import { DeployRefusedError } from '../deploy-target.js';

/** What a folder that is made on the way gets: others may enter it. */
const PASSABLE = 0o755;
const OTHERS_MAY_ENTER = 0o001;

/** Folders of this host below which the folders of services lie, and how one is opened. */
export class DeployFolders {
  /** @param roots absolute paths that no stranger can exchange; a missing first one is made */
  constructor(private readonly roots: readonly [string, ...string[]]) {}

  /**
   * The whole path of what a pipeline names.
   * @throws DeployRefusedError `path_not_allowed`
   */
  resolve(path: string): string {
    const [first] = this.roots;
    const whole = normalize(isAbsolute(path) ? path : join(first, path)).replace(/\/+$/, '');
    if (path.split('/').includes('..') || this.rootOf(whole) === undefined) {
      const allowed = this.roots.join(', ');
      throw new DeployRefusedError({
        code: 'path_not_allowed',
        message: `${path} cannot be deployed to: this host allows folders below ${allowed} (DEPLOY_FOLDERS)`,
        data: { path, allowed: this.roots },
      });
    }
    return whole;
  }

  /**
   * Opens the folder of a service, name by name: through no link. Whoever gets it closes it.
   *
   * @param mode `make`: it is made, with those above it
   * @returns undefined: it is not there
   * @throws DeployRefusedError `path_unusable`
   */
  async open(path: string, mode: 'make' | 'find'): Promise<TreeFolder | undefined> {
    const whole = this.resolve(path);
    const root = this.rootOf(whole) ?? '';
    if (mode === 'make' && root === this.roots[0]) await mkdir(root, { recursive: true });
    const names = whole.slice(root.length).split('/').filter(Boolean);
    let folder = await this.openRoot(root, mode);
    for (const name of folder === undefined ? [] : names) {
      const next = await child(folder, name, mode, whole);
      await folder?.close();
      folder = next;
      if (folder === undefined) break;
    }
    return folder;
  }

  /** A folder above that other users cannot enter; undefined: all can be entered. */
  async closedAbove(path: string): Promise<string | undefined> {
    for (let at = dirname(this.resolve(path)); at !== '/'; at = dirname(at)) {
      const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (found !== undefined && (found.mode & OTHERS_MAY_ENTER) === 0) return at;
    }
    return undefined;
  }

  private rootOf(whole: string): string | undefined {
    return this.roots.find((root) => whole.startsWith(`${root}/`));
  }

  private async openRoot(root: string, mode: 'make' | 'find'): Promise<TreeFolder | undefined> {
    try {
      return await TreeFolder.open(root);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (mode === 'find' && code === 'ENOENT') return undefined;
      throw unusable(root, code === 'ENOENT' ? 'it is not there' : message);
    }
  }
}

async function child(
  folder: TreeFolder | undefined,
  name: string,
  mode: 'make' | 'find',
  whole: string,
): Promise<TreeFolder | undefined> {
  if (folder === undefined) return undefined;
  try {
    if (mode === 'make') await makeFolder(folder, name);
    return await folder.folder(name);
  } catch (error) {
    await folder.close();
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && mode === 'find') return undefined;
    if (code === 'ENOTDIR' || code === 'ELOOP') {
      throw unusable(whole, `"${name}" is a link or no folder`);
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw unusable(whole, `the worker may not use "${name}"`);
    }
    throw error;
  }
}

/** Idempotent. */
export async function makeFolder(folder: TreeFolder, name: string): Promise<void> {
  try {
    await mkdir(folder.pathOf(name), { mode: PASSABLE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Of a name in a folder, through no link; undefined: it is not there. */
export async function lstatOf(folder: TreeFolder, name: string): Promise<Stats | undefined> {
  return lstat(folder.pathOf(name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function unusable(path: string, why: string): DeployRefusedError {
  return new DeployRefusedError({
    code: 'path_unusable',
    message: `${path} cannot be used: ${why}`,
    data: { path },
  });
}
