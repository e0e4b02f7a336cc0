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

/**
 * Gives a folder and all below it to a user. For a process that can see nothing else: what a step
 * does with links and names meanwhile leads nowhere outside. Links are given, never followed. A
 * file with a second name keeps its owner: it is shared with a mirror of git, and whoever owned it
 * could change the clones of others.
 *
 * This file is a program of its own in a container, and so imports nothing of ours.
 */
export function giveTree(folder: string, to: NewOwner): void {
  const folders: Buffer[] = [Buffer.from(folder)];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    giveOne(next, to);
    // Names are bytes: not every one of a tree is UTF-8.
    for (const entry of entriesOf(next)) {
      const name = Buffer.from(entry.name);
      const below = Buffer.concat([next, next.length > 1 ? SLASH : NOTHING, name]);
      if (entry.isDirectory()) folders.push(below);
      else giveOne(below, to);
    }
  }
}

const SLASH = Buffer.from('/');
const NOTHING = Buffer.alloc(0);

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
