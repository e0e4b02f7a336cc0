import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attemptFolder, parseAttemptFolder } from './attempt-folder.js';
import { CHECK_TARGET, EMPTY, MERGE_IN, MOVE_IN, OUTSIDE, TAKEN } from './folder-scripts.js';
import { mergeProblem } from './merge-problem.js';
import { makePassable } from './passable-folder.js';
import { SpareFolders } from './spare-folders.js';
import type { StepUserScripts } from './step-user-scripts.js';
import { HandOverError, type OwnersNow, type TreeOwners } from './tree-owners.js';
import type { Workspace, WorkspaceOwner } from './workspace.js';
import { type FileOwner, ownUser, ROOT, WorkspaceOwnership } from './workspace-ownership.js';

/** The folders of the steps, below the root of an attempt. */
const NAMES = { directory: 'work', home: 'home', temporary: 'tmp' } as const;
/** Below the root of an attempt: no step can enter it. */
const STAGING = 'staging';
/** For a script that looks at a few names or moves them, ms. */
const SCRIPT_MS = 30_000;
/** For one try to empty the folders of an attempt, ms; what it removed stays removed. */
const EMPTY_MS = 60_000;
/** To move what was unpacked into a workspace. */
const MERGE_MS = 60_000;

/** The name of folders that no attempt has begins so. */
const NOBODYS = 'spare-';
/** A worker that lives has used or removed them by then, ms. */
const NOBODYS_MS = 60_000;

const HALF_MERGED = 'files cannot be brought, the workspace may have a part of them';

const OWNER_BITS = 0o700;
/** What is made in such a folder belongs to the group of the folder. */
const SET_GROUP = 0o2000;

/** Why a tree cannot be placed. */
export type Misplaced = 'outside' | 'taken';

/** A folder of an attempt that is still there. */
export interface LeftFolder {
  readonly executionId: string;
  readonly attempt: number;
  readonly root: string;
}

/** Folders that were made before it is known which attempt has them. */
export interface PreparedFolders {
  readonly root: string;
}

/** Something of a step is left in the folders, or in the way; the message names it. */
export class FolderError extends Error {}

/**
 * Makes and removes the folders of execution attempts below one base folder. The base (0711) and
 * the root of each attempt (0710, of the group of the steps) are the server's, to be walked through
 * but not listed; what is in the steps' folders is touched by `StepUserScripts` only.
 */
export class WorkspaceStore {
  private ready: Promise<void> | undefined;
  private isOpen = false;
  private readonly spare = new SpareFolders(Object.values(NAMES), (root) =>
    this.unprepare({ root }),
  );

  constructor(
    private readonly base: string,
    private readonly owner: WorkspaceOwner | undefined,
    private readonly scripts: StepUserScripts,
    /** Default: this process may not give files to other users. */
    private readonly ownersNow: OwnersNow = () => undefined,
  ) {}

  private get owners(): TreeOwners | undefined {
    return this.ownersNow();
  }

  /** Whose the files of a workspace are, as of now its own user's. */
  ownershipOf(workspace: Workspace): WorkspaceOwnership {
    return new WorkspaceOwnership(workspace, this.owners);
  }

  /**
   * Makes fresh, empty folders; what an earlier try under the same number left is removed first.
   */
  async create(
    executionId: string,
    attempt: number,
    prepared?: PreparedFolders,
  ): Promise<Workspace> {
    await this.open();
    const root = join(this.base, attemptFolder(executionId, attempt));
    if (!prepared || !this.takes(root, prepared)) {
      try {
        this.makeFolders(root);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        await this.remove({ root });
        this.makeFolders(root);
      }
    }
    this.spare.hand(root);
    return { ...foldersOf(root), owner: this.owner };
  }

  /**
   * Makes the folders of an attempt before it is known which one has them, for `create` or
   * `unprepare`: half of the wait for a claim is enough for that. Undefined: none can be made, and
   * `create` will say why. What a process that dies leaves is listed after a minute.
   */
  prepare(): PreparedFolders | undefined {
    if (!this.isOpen) return undefined;
    const spare = this.spare.take();
    if (spare !== undefined) return { root: spare };
    const root = this.nobodysRoot();
    try {
      this.makeFolders(root);
      // What a step gets as soon as it is made cannot be used again; this can.
      if (this.spare.isShort()) this.makeSpare();
      return { root };
    } catch {
      this.unprepare({ root });
      return undefined;
    }
  }

  private makeSpare(): void {
    const root = this.nobodysRoot();
    try {
      this.makeFolders(root);
      this.spare.keep(root);
    } catch {
      // Nobody waits for it.
      this.unprepare({ root });
    }
  }

  /** Removes folders that no attempt has. What is left is removed as that of a dead attempt. */
  unprepare({ root }: PreparedFolders): void {
    this.spare.forget(root);
    try {
      emptyRoot(root);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  private async open(): Promise<void> {
    await (this.ready ??= this.makeBase());
    // What root of a container leaves could give rights to whoever comes here.
    if (this.owners && !this.owner) chmodSync(this.base, 0o700);
    this.isOpen = true;
  }

  /** False: there is something at `root`, or somebody took the prepared ones for left ones. */
  private takes(root: string, prepared: PreparedFolders): boolean {
    try {
      renameSync(prepared.root, root);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.unprepare(prepared);
      return false;
    }
    this.spare.renamed(prepared.root, root);
    const { directory, home, temporary } = foldersOf(root);
    return [directory, home, temporary].every((folder) => existsSync(folder));
  }

  /**
   * Synchronous: together they take a tenth of a millisecond, a hundredth of what threads for them
   * would cost in a burst; one and a half on a disk with many inodes that were just freed. So
   * those that were not touched are used again ({@link SpareFolders}).
   */
  private makeFolders(root: string): void {
    mkdirSync(root, { mode: 0o700 });
    if (this.owner) {
      // The step user comes through here to its own folders, and no other user of the machine: what
      // a step opens below, or makes setuid, is nobody else's.
      lchownSync(root, ownUser().uid, this.owner.gid);
      chmodSync(root, 0o710);
    }
    const { directory, home, temporary } = foldersOf(root);
    for (const folder of [directory, home, temporary]) {
      mkdirSync(folder, { mode: 0o700 });
      if (this.owner) lchownSync(folder, this.owner.uid, this.owner.gid);
    }
    this.spare.note(root);
  }

  private nobodysRoot(): string {
    return join(this.base, `${NOBODYS}${attemptFolder(randomUUID(), 1)}`);
  }

  /** Ends the use of folders again: removes what is kept for it. Idempotent. */
  close(): void {
    this.spare.close();
  }

  /**
   * Removes all folders of an attempt, one that `create` made or `list` named, also what a step
   * made unreadable. Idempotent.
   *
   * @throws FolderError when something is left; a later call continues where this one ended.
   */
  async remove({ root }: Pick<Workspace, 'root'>): Promise<void> {
    this.spare.forget(root);
    let full = emptyRoot(root);
    if (full?.includes(STAGING) && this.owner) {
      await rm(join(root, STAGING), { recursive: true, force: true });
      full = emptyRoot(root);
    }
    if (full === undefined) return;
    const ofSteps = full.map((name) => join(root, name));
    let end = await this.scripts.run(EMPTY, ofSteps, EMPTY_MS);
    let left = emptyRoot(root);
    const owner = this.owner ?? ownUser();
    if (left !== undefined && this.owners && owner.uid !== ROOT) {
      // A container had other users than the steps have.
      for (const name of left) await this.giveBack(join(root, name), owner);
      end = await this.scripts.run(EMPTY, ofSteps, EMPTY_MS);
      left = emptyRoot(root);
    }
    if (left === undefined) return;
    const why = end.kind === 'broken' ? end.message : `${end.stdout.trim() || left[0]} is left`;
    throw new FolderError(`the folder of an attempt cannot be removed: ${why}`);
  }

  /**
   * As `remove`, for the folders of a run of which nothing is left that could touch them: they may
   * be another's next.
   */
  async release(workspace: Pick<Workspace, 'root'>): Promise<void> {
    if (!this.keeps(workspace.root)) await this.remove(workspace);
  }

  /** True: nobody has touched the folders, and another attempt will have them. */
  private keeps(root: string): boolean {
    try {
      if (!this.spare.isUsable(root)) return false;
      const kept = this.nobodysRoot();
      renameSync(root, kept);
      this.spare.renamed(root, kept);
      this.spare.keep(kept);
      return true;
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      return false;
    }
  }

  /**
   * An empty folder of the attempt that no step can enter: what the worker writes there, it writes
   * nowhere else.
   */
  async stage({ root }: Workspace): Promise<string> {
    const staging = join(root, STAGING);
    await mkdir(staging, { recursive: true, mode: 0o700 });
    return mkdtemp(join(staging, 'tree-'));
  }

  /** Removes a staged folder that nobody needs any more. Idempotent; also after a `merge`. */
  async discard(staged: string): Promise<void> {
    await rm(staged, { recursive: true, force: true });
  }

  /**
   * Whether a tree could be placed now: see `place`. A step that runs meanwhile may change the
   * answer.
   */
  async checkTarget(
    { directory }: Workspace,
    names: readonly string[],
  ): Promise<'free' | Misplaced> {
    return (await this.runAtTarget(CHECK_TARGET, [directory, ...names])) ?? 'free';
  }

  /**
   * Gives what is in a staged folder to the step user, who moves it into the folder `names` below
   * `$CI_WORKSPACE`, which is made, or empty.
   */
  async place(
    { root, directory }: Workspace,
    staged: string,
    names: readonly string[],
  ): Promise<'placed' | Misplaced> {
    const handed = await this.hand(root, staged);
    const misplaced = await this.runAtTarget(MOVE_IN, [handed, directory, ...names]);
    if (misplaced) return misplaced;
    removedEmpty(handed);
    return 'placed';
  }

  /**
   * Gives what is in a staged folder to the step user, who puts it into `$CI_WORKSPACE`, over files
   * of the same names.
   *
   * @throws FolderError: a part of it may have been put there by then
   */
  async merge({ root, directory }: Workspace, staged: string): Promise<void> {
    const handed = await this.hand(root, staged);
    const end = await this.scripts.run(MERGE_IN, [handed, directory], MERGE_MS);
    const cleared = await this.scripts.run(EMPTY, [handed], EMPTY_MS);
    removedEmpty(handed);
    for (const one of [end, cleared]) {
      if (one.kind === 'broken') throw new FolderError(`${HALF_MERGED}: ${one.message}`);
    }
    if (end.kind === 'exited' && end.code !== 0) {
      throw new FolderError(`${HALF_MERGED}: ${mergeProblem(end.stderr, handed)}`);
    }
  }

  /**
   * Makes a folder directly below a root for every user that steps have, and nobody else. One that
   * is there stays.
   */
  async makeShared(folder: string): Promise<void> {
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) === undefined) return;
    if (this.owner) lchownSync(folder, this.owner.uid, this.owner.gid);
    chmodSync(folder, OWNER_BITS | this.sharedBits);
  }

  /**
   * Puts a staged folder in the place of an empty folder that is shared. False: there is something
   * in it, and it stays as it is.
   */
  async share(staged: string, target: string): Promise<boolean> {
    if (this.owner) await chownTree(staged, this.owner);
    await openTree(staged, this.sharedBits);
    try {
      await rename(staged, target);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      await rm(staged, { recursive: true, force: true });
      return false;
    }
  }

  /**
   * Lets every user that steps have change what steps of other users have made in a shared folder.
   * Steps may use it meanwhile.
   *
   * @throws HandOverError
   */
  async shareAgain(folder: string): Promise<void> {
    const { uid, gid } = this.owner ?? ownUser();
    await this.owners?.give({ folder, uid, gid, isShared: true });
    // All of it is this process's own now, and so are the steps that could put a link in its way.
    if (this.owners && ownUser().uid !== ROOT) await openTree(folder, this.sharedBits);
  }

  /**
   * Attempts whose folders are here, and folders that no attempt has for longer than any worker
   * keeps them; used to find what a dead worker left.
   */
  async list(): Promise<LeftFolder[]> {
    const names = await readdir(this.base).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [] as string[];
      throw error;
    });
    return names.flatMap((name) => {
      const isNobodys = name.startsWith(NOBODYS);
      const parsed = parseAttemptFolder(isNobodys ? name.slice(NOBODYS.length) : name);
      const root = join(this.base, name);
      if (!parsed || (isNobodys && !isOld(root))) return [];
      return [{ ...parsed, root }];
    });
  }

  /**
   * What others than the owner may do with shared folders: the group, which steps in containers
   * have too, where anybody may pass the folders above; all where nobody else may.
   */
  private get sharedBits(): number {
    if (this.owner) return SET_GROUP | 0o070;
    return this.owners ? 0o077 : 0;
  }

  private async runAtTarget(
    script: string,
    args: readonly string[],
  ): Promise<Misplaced | undefined> {
    const end = await this.scripts.run(script, args, SCRIPT_MS);
    if (end.kind === 'broken')
      throw new FolderError(`the workspace cannot be used: ${end.message}`);
    switch (end.code) {
      case 0:
        return undefined;
      case OUTSIDE:
        return 'outside';
      case TAKEN:
        return 'taken';
      default:
        throw new FolderError(`the workspace cannot be used: ${end.stderr.trim()}`);
    }
  }

  /** Where the steps can reach it from now on: nothing of ours goes inside any more. */
  private async hand(root: string, staged: string): Promise<string> {
    if (this.owner) await chownTree(staged, this.owner);
    const handed = join(root, basename(staged));
    await rename(staged, handed);
    return handed;
  }

  private async giveBack(folder: string, { uid, gid }: FileOwner): Promise<void> {
    try {
      await this.owners?.give({ folder, uid, gid, isShared: false });
    } catch (error) {
      if (!(error instanceof HandOverError)) throw error;
      throw new FolderError(`the folder of an attempt cannot be removed: ${error.message}`);
    }
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
}

function foldersOf(root: string): Omit<Workspace, 'owner'> {
  const { directory, home, temporary } = NAMES;
  return {
    ...{ root, directory: join(root, directory) },
    ...{ home: join(root, home), temporary: join(root, temporary) },
  };
}

function isOld(root: string): boolean {
  const { ctimeMs } = lstatSync(root, { throwIfNoEntry: false }) ?? {};
  return ctimeMs !== undefined && Math.abs(Date.now() - ctimeMs) > NOBODYS_MS;
}

/** Of the file system; undefined: it is none of those. */
function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * Removes the root of an attempt as far as that needs no step into a folder below it: files of the
 * server's, and folders that are empty. Undefined: it is gone; otherwise the folders that are not
 * empty.
 */
function emptyRoot(root: string): string[] | undefined {
  try {
    if (!lstatSync(root).isDirectory()) {
      unlinkSync(root);
      return undefined;
    }
    const full: string[] = [];
    for (const entry of readdirSync(root, { withFileTypes: true })) {
      const path = join(root, entry.name);
      if (!entry.isDirectory()) rmSync(path, { force: true });
      else if (!removedEmpty(path)) full.push(entry.name);
    }
    if (full.length > 0) return full;
    rmdirSync(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return undefined;
}

function removedEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY') return false;
    // Another worker of this host was at it, too.
    if (code === 'ENOENT') return true;
    throw error;
  }
}

/**
 * Lets others change what is in it, too: `bits` as for a folder. Links, and files that have a
 * second name elsewhere, stay as they are. For a tree that no step of another user reaches.
 */
async function openTree(folder: string, bits: number): Promise<void> {
  chmodSync(folder, OWNER_BITS | bits);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await nextTurn();
      await openTree(path, bits);
    } else if (entry.isFile()) {
      const { mode, nlink } = lstatSync(path);
      const wanted = (OWNER_BITS | bits) & ((mode & 0o100) === 0 ? 0o666 : 0o777);
      if (nlink === 1) chmodSync(path, wanted);
    }
  }
}

/**
 * Gives away a folder and all below it, but no file with a second name: that one is shared with a
 * mirror of git, and whoever owned it could change the clones of others. Such a file is read-only,
 * and belongs to the worker. Only for a tree that no step can reach: it goes by path.
 *
 * A folder at a time without threads: that is 20 times faster, and the event loop has its turn
 * between two folders.
 */
async function chownTree(folder: string | Buffer, owner: WorkspaceOwner): Promise<void> {
  lchownSync(folder, owner.uid, owner.gid);
  const folders: Buffer[] = [];
  // Names are bytes: not every one of a tree is UTF-8.
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) folders.push(path);
    else if (!entry.isFile() || lstatSync(path).nlink === 1) lchownSync(path, owner.uid, owner.gid);
  }
  for (const path of folders) {
    await nextTurn();
    await chownTree(path, owner);
  }
}
