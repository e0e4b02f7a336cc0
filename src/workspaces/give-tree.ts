import { chmodSync, lchownSync, lstatSync, readdirSync, type Stats } from 'node:fs';

const GROUP_SHARE = 0o070;
const OWNER_BITS = 0o700;
const SET_GROUP = 0o2000;

export interface NewOwner {
  readonly uid: number;
  readonly gid: number;
  /** Others work in it, too: the group may then do what the owner may. */
  readonly isShared: boolean;
}

/** Bytes of a path that the system takes whole, with room for one more name (PATH_MAX is 4,096). */
const MAX_PATH = 3_800;

/**
 * Gives a folder and all below it to a user, however deep. For a process that can see nothing else:
 * what a step does with links and names meanwhile leads nowhere outside. Links are given, never
 * followed. A file with a second name keeps its owner: it is shared with a mirror of git, and
 * whoever owned it could change the clones of others.
 *
 * This file is a program of its own in a container, and so imports nothing of ours.
 */
export function giveTree(folder: string, to: NewOwner): void {
  const home = process.cwd();
  giveOne(Buffer.from(folder), to);
  // Each by the folders that lead to it, of which none is too long a path from the one before.
  const ways: (readonly Buffer[])[] = [[]];
  try {
    for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
      process.chdir(folder);
      if (!way.every((part) => orGone(() => enter(part)))) continue;
      for (const deeper of giveBelow(to)) ways.push([...way, deeper]);
      process.chdir(home);
    }
  } finally {
    process.chdir(home);
  }
}

/** What is below the working directory. Gives back the folders that no path reaches any more. */
function giveBelow(to: NewOwner): Buffer[] {
  const left: Buffer[] = [];
  const folders: Buffer[] = [HERE];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    // Names are bytes: not every one of a tree is UTF-8.
    for (const entry of entriesOf(next)) {
      const below = Buffer.concat([next, SLASH, Buffer.from(entry.name)]);
      giveOne(below, to);
      if (entry.isDirectory()) (below.length > MAX_PATH ? left : folders).push(below);
    }
  }
  return left;
}

/** Node changes to folders whose names are UTF-8 only; others are done as long as paths go. */
function enter(part: Buffer): true {
  process.chdir(part.toString());
  return true;
}

const HERE = Buffer.from('.');
const SLASH = Buffer.from('/');

function entriesOf(folder: Buffer) {
  return orGone(() => readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) ?? [];
}

function giveOne(path: Buffer, { uid, gid, isShared }: NewOwner): void {
  const stats = orGone(() => lstatSync(path));
  if (stats === undefined || (!stats.isDirectory() && stats.nlink > 1)) return;
  if (stats.uid !== uid || stats.gid !== gid) orGone(() => lchownSync(path, uid, gid));
  if (isShared && !stats.isSymbolicLink()) share(path, stats);
}

/** The group gets what the owner has; what is made in a folder belongs to the group, too. */
function share(path: Buffer, stats: Stats): void {
  const ofOwner = stats.mode & OWNER_BITS;
  const mode = (stats.mode & 0o777) | ((ofOwner >> 3) & GROUP_SHARE);
  const wanted = stats.isDirectory() ? mode | SET_GROUP : mode;
  if (wanted !== (stats.mode & 0o7777)) orGone(() => chmodSync(path, wanted));
}

/** A step that runs beside may have removed it, or put something else there. */
function orGone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}
