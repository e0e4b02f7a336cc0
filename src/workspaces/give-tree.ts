import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
} from 'node:fs';

const ROOT = 0;
const ALL_BITS = 0o7777;
const OTHERS_WRITE = 0o022;
const GROUP_SHARE = 0o070;
const OWNER_BITS = 0o700;
const SET_GROUP = 0o2000;
/** Waits for nobody, whatever has taken the place of what was seen. */
const AS_SEEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface NewOwner {
  readonly uid: number;
  readonly gid: number;
  /** Others work in it, too: the group may then do what the owner may. */
  readonly isShared: boolean;
  /** No step is at work in it, and nobody else who may write it as root. */
  readonly isAlone?: boolean;
}

/** Bytes of a path that the system takes whole, with room for one more name (PATH_MAX is 4,096). */
const MAX_PATH = 3_800;

/** Is told of every name in a tree: of a folder before what is in it is read. */
type Visit = (path: Buffer, stats: BigIntStats) => void;

/**
 * Gives a folder and all below it to a user, however deep. For a process that can see nothing else:
 * what a step does with links and names meanwhile leads nowhere outside. Links are given, never
 * followed. A file with a second name outside keeps its owner: it is shared with a mirror of git,
 * and whoever owned it could change the clones of others. One whose names are all in the tree
 * (`cp -l`, pnpm) is given when nobody is at work there.
 *
 * This file is a program of its own in a container, and so imports nothing of ours.
 *
 * @throws an error of the disk; then folders may be left that are root's, until it is given again
 */
export function giveTree(folder: string, to: NewOwner): void {
  let hasSecondNames = false;
  walk(folder, (path, stats) => {
    if (!hasSecondName(stats)) giveOne(path, stats, to);
    else if (!isOf(stats, to)) hasSecondNames = true;
  });
  if (hasSecondNames && to.isAlone === true) giveSecondNames(folder, to);
}

/**
 * All folders are root's first. A process that somebody has left in the tree could else move a name
 * from place to place while they are counted: one name would count as two.
 */
function giveSecondNames(folder: string, to: NewOwner): void {
  const modes = new Map<string, number>();
  const names = new Map<string, number>();
  walk(folder, (path, stats) => {
    const key = keyOf(stats);
    if (stats.isDirectory()) {
      const mode = modeOf(stats);
      modes.set(key, mode);
      setFolder(path, stats, { uid: ROOT, gid: to.gid, mode: mode & ~OTHERS_WRITE });
    } else if (hasSecondName(stats)) {
      names.set(key, (names.get(key) ?? 0) + 1);
    }
  });
  walk(folder, (path, stats) => {
    const areAllHere = names.get(keyOf(stats)) === Number(stats.nlink);
    if (hasSecondName(stats) && areAllHere) giveOne(path, stats, to);
  });
  walk(folder, (path, stats) => {
    const mode = modes.get(keyOf(stats));
    if (!stats.isDirectory() || mode === undefined) return;
    setFolder(path, stats, { uid: to.uid, gid: to.gid, mode });
  });
}

function walk(folder: string, visit: Visit): void {
  const home = process.cwd();
  visitOne(Buffer.from(folder), visit);
  // Each by the folders that lead to it, of which none is too long a path from the one before.
  const ways: (readonly Buffer[])[] = [[]];
  try {
    for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
      process.chdir(folder);
      if (!way.every((part) => orGone(() => enter(part)))) continue;
      for (const deeper of walkBelow(visit)) ways.push([...way, deeper]);
      process.chdir(home);
    }
  } finally {
    process.chdir(home);
  }
}

/** What is below the working directory. Gives back the folders that no path reaches any more. */
function walkBelow(visit: Visit): Buffer[] {
  const left: Buffer[] = [];
  const folders: Buffer[] = [HERE];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    // Names are bytes: not every one of a tree is UTF-8.
    for (const entry of entriesOf(next)) {
      const below = Buffer.concat([next, SLASH, Buffer.from(entry.name)]);
      visitOne(below, visit);
      if (entry.isDirectory()) (below.length > MAX_PATH ? left : folders).push(below);
    }
  }
  return left;
}

/**
 * Node changes to folders whose names are UTF-8 only; others are done as long as paths go. It would
 * take another folder for them, in which each name would count as two.
 */
function enter(part: Buffer): boolean {
  const name = part.toString();
  if (!Buffer.from(name).equals(part)) return false;
  process.chdir(name);
  return true;
}

const HERE = Buffer.from('.');
const SLASH = Buffer.from('/');

function entriesOf(folder: Buffer) {
  return orGone(() => readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) ?? [];
}

function visitOne(path: Buffer, visit: Visit): void {
  const stats = orGone(() => lstatSync(path, { bigint: true }));
  if (stats !== undefined) visit(path, stats);
}

function giveOne(path: Buffer, stats: BigIntStats, to: NewOwner): void {
  if (!isOf(stats, to)) orGone(() => lchownSync(path, to.uid, to.gid));
  if (to.isShared && (stats.isDirectory() || stats.isFile())) share(path, stats);
}

function isOf(stats: BigIntStats, { uid, gid }: NewOwner): boolean {
  return Number(stats.uid) === uid && Number(stats.gid) === gid;
}

function hasSecondName(stats: BigIntStats): boolean {
  return !stats.isDirectory() && stats.nlink > 1n;
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function modeOf({ mode }: BigIntStats): number {
  return Number(mode) & ALL_BITS;
}

/** The group gets what the owner has; what is made in a folder belongs to the group, too. */
function share(path: Buffer, stats: BigIntStats): void {
  const ofOwner = modeOf(stats) & OWNER_BITS;
  const mode = (modeOf(stats) & 0o777) | ((ofOwner >> 3) & GROUP_SHARE);
  const wanted = stats.isDirectory() ? mode | SET_GROUP : mode;
  if (wanted !== modeOf(stats)) asSeen(path, stats, (file) => fchmodSync(file, wanted));
}

interface FolderRights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

function setFolder(path: Buffer, stats: BigIntStats, { uid, gid, mode }: FolderRights): void {
  asSeen(path, stats, (folder) => {
    fchownSync(folder, uid, gid);
    fchmodSync(folder, mode);
  });
}

/**
 * For a file or folder that is still the one that was seen. The mode of a path would be that of
 * what a link in its place leads to: of a file that is shared, and with bits that its owner has
 * never set.
 */
function asSeen(path: Buffer, stats: BigIntStats, act: (opened: number) => void): void {
  const opened = orGone(() => openSync(path, AS_SEEN));
  if (opened === undefined) return;
  try {
    if (keyOf(fstatSync(opened, { bigint: true })) === keyOf(stats)) act(opened);
  } finally {
    closeSync(opened);
  }
}

/** The last is of a socket. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/** A step that runs beside may have removed it, or put something else there. */
function orGone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && GONE.has(code)) return undefined;
    throw error;
  }
}
