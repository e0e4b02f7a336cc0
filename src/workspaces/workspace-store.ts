import { lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, opendir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NotAFolderError, openFolder } from './open-folder.js';
import { makePassable } from './passable-folder.js';
import type { Workspace, WorkspaceOwner } from './workspace.js';

const ATTEMPT_FOLDER = /^([0-9a-f-]{36})\.(\d+)(\.staging)?$/;

/** Why a tree could not be placed. */
export type Misplaced = 'outside' | 'not_empty';

/**
 * Makes and removes the folders of execution attempts below one base folder.
 *
 * Each folder belongs to the step user and to nobody else (mode 0700); the base folder can be walked through but not
 * listed by others (0711), so one execution does not even see the names of the rest.
 */
export class WorkspaceStore {
  private ready: Promise<void> | undefined;
  /** Attempts with a staging folder; those of a dead worker are found by `list`. */
  private readonly staged = new Set<string>();

  constructor(
    private readonly base: string,
    private readonly owner: WorkspaceOwner | undefined,
  ) {}

  /** Makes fresh, empty folders; what an earlier try under the same number left is removed first. */
  async create(executionId: string, attempt: number): Promise<Workspace> {
    await (this.ready ??= this.makeBase());
    const root = join(this.base, `${executionId}.${attempt}`);
    try {
      await mkdir(root, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      await removeTree(root);
      await mkdir(root, { mode: 0o700 });
    }
    const workspace: Workspace = {
      root,
      directory: join(root, 'work'),
      home: join(root, 'home'),
      temporary: join(root, 'tmp'),
      outputs: join(root, 'outputs'),
    };
    // Synchronous: together they take a tenth of a millisecond, a hundredth of what threads for them would cost in a burst.
    const folders = [workspace.directory, workspace.home, workspace.temporary, workspace.outputs];
    for (const folder of folders) mkdirSync(folder, { mode: 0o700 });
    this.handOver([...folders, root]);
    return workspace;
  }

  /** Removes all folders of an attempt, one that `create` made or `list` named, also what a step made unreadable. Idempotent. */
  async remove({ root }: Pick<Workspace, 'root'>): Promise<void> {
    await removeTree(root);
    if (this.staged.delete(root)) await removeTree(stagingOf(root));
  }

  /** An empty folder of the attempt that no step can enter: what the worker writes there, it writes nowhere else. */
  async stage({ root }: Workspace): Promise<string> {
    const staging = stagingOf(root);
    this.staged.add(root);
    await mkdir(staging, { recursive: true, mode: 0o700 });
    return mkdtemp(join(staging, 'tree-'));
  }

  /**
   * Gives what is in a staged folder to the step user and moves it into the folder `names` below `$CI_WORKSPACE`, which is
   * made, or empty. Follows no link, also none that a step that runs meanwhile puts there.
   */
  async place(
    { directory }: Workspace,
    staged: string,
    names: readonly string[],
  ): Promise<'placed' | Misplaced> {
    if (this.owner) await chownTree(staged, this.owner);
    try {
      const folder = await openFolder(directory, names, (made) => this.handOver([made]));
      try {
        if ((await readdir(folder.path)).length > 0) return 'not_empty';
        for (const name of await readdir(staged)) {
          await rename(join(staged, name), join(folder.path, name));
        }
        return 'placed';
      } finally {
        await folder.close();
      }
    } catch (error) {
      if (error instanceof NotAFolderError) return 'outside';
      throw error;
    }
  }

  /** Attempts whose folders are here; used at start to find what a dead worker left. */
  async list(): Promise<{ executionId: string; attempt: number; root: string }[]> {
    const names = await readdir(this.base).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [] as string[];
      throw error;
    });
    return names.flatMap((name) => {
      const [, executionId, attempt] = ATTEMPT_FOLDER.exec(name) ?? [];
      if (executionId === undefined || attempt === undefined) return [];
      return [{ executionId, attempt: Number(attempt), root: join(this.base, name) }];
    });
  }

  private async makeBase(): Promise<void> {
    try {
      if (this.owner) await makePassable(this.base, this.owner);
      else await mkdir(this.base, { recursive: true, mode: 0o711 });
    } catch (error) {
      this.ready = undefined;
      throw error;
    }
  }

  /** Follows no link: a step may have put one where a folder was made. */
  private handOver(folders: readonly string[]): void {
    if (!this.owner) return;
    for (const folder of folders) lchownSync(folder, this.owner.uid, this.owner.gid);
  }
}

/** Beside the folders of the attempt, which belong to the step user. */
function stagingOf(root: string): string {
  return `${root}.staging`;
}

/** A folder without write or search permission stops `rm` for everyone but root: permissions are mended, then it is tried once more. */
export async function removeTree(root: string): Promise<void> {
  try {
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await openFolders(root);
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * Gives away a folder and all below it, but no file with a second name: that one is shared with a mirror of git, and whoever
 * owned it could change the clones of others. Such a file is read-only, and belongs to the worker.
 *
 * A folder at a time without threads: that is 20 times faster, and the event loop has its turn between two folders.
 */
async function chownTree(folder: string, owner: WorkspaceOwner): Promise<void> {
  lchownSync(folder, owner.uid, owner.gid);
  const folders: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else if (!entry.isFile() || lstatSync(path).nlink === 1) lchownSync(path, owner.uid, owner.gid);
  }
  for (const path of folders) {
    await nextTurn();
    await chownTree(path, owner);
  }
}

/** Gives the owner access to every folder below; follows no symbolic link. */
async function openFolders(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) return;
  await chmod(folder, 0o700);
  for await (const entry of await opendir(folder)) {
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
  }
}
