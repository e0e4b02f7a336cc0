import { existsSync } from 'node:fs';
import { lstat, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';
import type { LeftOutList } from '../../../common/tree/left-out.js';
import { shownSize } from '../../../common/values/shown-size.js';
import { sayUrl } from '../../../common/values/repository-url.js';
import type { Plan } from '../../../engine/plan/plan.js';
import { CommandError } from '../../command/command.error.js';
import { exitCodes } from '../../command/exit-codes.js';
import { type Copied, copyFiles, TreeTooLarge } from './copy-files.js';
import { findCheckout, type GitCheckout, isOf } from './git-checkout.js';
import { GitRefusal, hasGit } from './git-command.js';
import { listFiles, type Submodules } from './listed-files.js';
import { makeRepository } from './make-repository.js';

const NO_GIT = 'There is no git program here';
const OTHERWISE = 'Run it with --no-dir to begin with what the pipeline clones, or nothing.';

/** The files that a run begins with, in the place of a clone. */
export interface LocalTree {
  readonly folder: string;
  readonly checkout: GitCheckout;
}

/**
 * The tree that a run begins with: the folder that was named, or the checkout that the caller
 * stands in where the pipeline clones that repository or none. Undefined: what the pipeline says.
 *
 * @param named false: none is wanted
 * @param say learns why the files here are not used, where that may surprise
 * @throws CommandError: the folder that was named has no such tree
 */
export async function chooseTree(
  named: string | false | undefined,
  { repository }: Pick<Plan, 'repository'>,
  say: (line: string) => void,
): Promise<LocalTree | undefined> {
  if (named === false) return undefined;
  if (named !== undefined) return namedTree(resolve(named));
  const here = process.cwd();
  const checkout = await checkoutOf(here);
  if (checkout === undefined) {
    if (looksLikeOne(here) && !(await hasGit(here))) say(`${NO_GIT}: the files here are not used.`);
    return undefined;
  }
  if (repository === undefined || isOf(repository.url, checkout)) {
    return { folder: checkout.root, checkout };
  }
  const cloned = sayUrl(repository.url);
  say(`The files here are not used: the pipeline clones ${cloned}; --dir . runs them.`);
  return undefined;
}

function looksLikeOne(folder: string): boolean {
  const above = dirname(folder);
  return existsSync(join(folder, '.git')) || (above !== folder && looksLikeOne(above));
}

async function namedTree(folder: string): Promise<LocalTree> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new CommandError(`${folder}: there is no such folder.`, exitCodes.usage);
  }
  const checkout = await checkoutOf(folder);
  if (checkout !== undefined) return { folder: await realpath(folder), checkout };
  if (!(await hasGit(folder)))
    throw new CommandError(`${NO_GIT}; --dir needs it.`, exitCodes.usage);
  throw new CommandError(`${folder} is in no checkout of git.`, exitCodes.usage, [
    'Make it one: git init there; files that need not be committed are copied too.',
  ]);
}

async function checkoutOf(folder: string): Promise<GitCheckout | undefined> {
  try {
    return await findCheckout(folder);
  } catch (error) {
    if (!(error instanceof GitRefusal)) throw error;
    const message = `git does not read the checkout here: ${error.message}.`;
    throw new CommandError(message, exitCodes.usage, [OTHERWISE]);
  }
}

/** What a pipeline wants of its repository. */
export interface TreeRequest {
  /** See `makeRepository`. */
  readonly depth: number;
  readonly submodules: Submodules;
}

/** What came of a copy. */
export interface TreeCopy extends Copied {
  readonly leftOut: LeftOutList;
  /** Checkouts in the tree, which are not of it. */
  readonly others: readonly string[];
  /** Submodules of which there is an empty folder only. */
  readonly submodules: readonly string[];
  /** Why the copy has no repository; undefined: it has one. */
  readonly noRepository: string | undefined;
}

/**
 * Copies what git does not ignore into an empty folder, as it is now, with a repository of its own.
 *
 * @throws CommandError: git does not list it, or it is too large; an error of the disk; the reason
 *   of the signal
 */
export async function copyTree(
  { folder, checkout }: LocalTree,
  to: string,
  { depth, submodules: wanted }: TreeRequest,
  maxBytes: number,
  signal: AbortSignal,
): Promise<TreeCopy> {
  try {
    const { paths, leftOut, others, submodules } = await listFiles(folder, wanted, signal);
    const limits = { maxBytes, maxFiles: MAX_TREE_ENTRIES };
    const copied = await copyFiles(folder, paths, to, limits, leftOut, signal);
    for (const path of submodules) await makeEmpty(to, path);
    const isWhole = folder === (await realpath(checkout.root));
    const noRepository = isWhole
      ? await makeRepository(to, checkout, depth, signal)
      : 'it is only a part of its checkout';
    // Half of one would be worse than none.
    if (noRepository !== undefined) await rm(join(to, '.git'), { recursive: true, force: true });
    return { ...copied, leftOut: leftOut.list(), others, submodules, noRepository };
  } catch (error) {
    if (error instanceof TreeTooLarge) throw tooLarge(folder, error, maxBytes);
    if (!(error instanceof GitRefusal)) throw error;
    const message = `git does not list the files of ${folder}: ${error.message}.`;
    throw new CommandError(message, exitCodes.usage, [OTHERWISE]);
  }
}

/** As a clone leaves the folder of a submodule; not through a link that the tree has there. */
async function makeEmpty(to: string, path: string): Promise<void> {
  let at = to;
  for (const name of path.split('/')) {
    at = join(at, name);
    await mkdir(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(at)).isDirectory()) return;
  }
}

function tooLarge(folder: string, { what }: TreeTooLarge, maxBytes: number): CommandError {
  const limit =
    what === 'bytes'
      ? `${shownSize(maxBytes)} (MAX_WORKSPACE_SIZE)`
      : `${MAX_TREE_ENTRIES} files and links`;
  const message = `${folder} has more than ${limit} that git does not ignore.`;
  return new CommandError(message, exitCodes.usage, [
    'Name what is not needed in .gitignore, or a folder of it by --dir.',
    OTHERWISE,
  ]);
}
