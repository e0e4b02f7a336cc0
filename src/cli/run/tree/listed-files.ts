import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { LeftOuts } from '../../../common/tree/left-out.js';
import { isUtf8 } from 'node:buffer';
import { askGit, GitRefusal } from './git-command.js';

const SUBMODULE = '160000';

/** Whether those of a checkout are taken; `recursive`: also theirs. */
export type Submodules = boolean | 'recursive';

/** What git does not ignore below a folder; names of what is no longer there may be among it. */
export interface ListedFiles {
  /** Relative to the folder. */
  readonly paths: ReadonlySet<string>;
  readonly leftOut: LeftOuts;
  /** Checkouts in it that are no submodules: these are not of it. */
  readonly others: readonly string[];
  /** Submodules that are not asked for, or not checked out; without what is in them. */
  readonly submodules: readonly string[];
}

/**
 * What is in the index below a folder of a checkout, also of its submodules where they are asked
 * for and checked out, and what is neither in it nor ignored.
 *
 * @param submodules as `submodules` of a repository
 * @throws GitRefusal, the reason of the signal
 */
export async function listFiles(
  folder: string,
  submodules: Submodules,
  signal: AbortSignal,
): Promise<ListedFiles> {
  const listed: Listed = {
    ...{ paths: new Set(), leftOut: new LeftOuts(), others: [], submodules: [] },
  };
  await list(folder, '', listed, submodules, signal);
  return listed;
}

interface Listed {
  readonly paths: Set<string>;
  readonly leftOut: LeftOuts;
  readonly others: string[];
  readonly submodules: string[];
}

async function list(
  folder: string,
  prefix: string,
  listed: Listed,
  wanted: Submodules,
  signal: AbortSignal,
): Promise<void> {
  const [indexed, untracked] = await Promise.all([
    askGit(folder, ['ls-files', '-z', '--cached', '--stage'], signal),
    askGit(folder, ['ls-files', '-z', '--others', '--exclude-standard'], signal),
  ]);
  const submodules: string[] = [];
  for (const entry of pieces(indexed, listed.leftOut, prefix)) {
    const cut = entry.indexOf('\t');
    const path = entry.slice(cut + 1);
    if (entry.startsWith(SUBMODULE)) submodules.push(path);
    else listed.paths.add(prefix + path);
  }
  for (const path of pieces(untracked, listed.leftOut, prefix)) {
    // A folder as a whole is one that git does not look into: a checkout of its own.
    if (path.endsWith('/')) listed.others.push(prefix + path);
    else listed.paths.add(prefix + path);
  }
  const below = wanted === 'recursive' ? wanted : false;
  for (const path of new Set(submodules)) {
    const isTaken = wanted !== false && (await isCheckedOut(folder, path, signal));
    if (isTaken) await list(join(folder, path), `${prefix}${path}/`, listed, below, signal);
    else listed.submodules.push(`${prefix}${path}`);
  }
}

/** The folder itself and no link on the way to it, with a repository of its own. */
async function isCheckedOut(folder: string, path: string, signal: AbortSignal): Promise<boolean> {
  const inside = join(folder, path);
  try {
    if ((await realpath(inside)) !== join(await realpath(folder), path)) return false;
    await lstat(join(inside, '.git'));
    const top = await askGit(inside, ['rev-parse', '--show-prefix'], signal);
    return top?.toString().trim() === '';
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (error instanceof GitRefusal || ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return false;
    throw error;
  }
}

/** Texts that end with NUL. Names that are no UTF-8 are left out. */
function* pieces(
  bytes: Buffer | undefined,
  leftOut: LeftOuts,
  prefix: string,
): Generator<string, void, void> {
  if (bytes === undefined) return;
  let begin = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, begin)) {
    const piece = bytes.subarray(begin, end);
    begin = end + 1;
    if (isUtf8(piece)) yield piece.toString();
    else leftOut.add(`${prefix}${piece.toString().replace(/^.*\t/, '')}`, 'invalid_name');
  }
}
