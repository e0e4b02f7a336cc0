import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { join } from 'node:path';
import { GitError } from './git-client.js';

export interface TreeEntry {
  /** Octal, as in the tree: `100644`, `100755`, `120000`, `160000`, `040000`. */
  readonly mode: string;
  readonly path: string;
  readonly oid: string;
}

/** Where the checkout gets its objects from. */
export interface TreeSource {
  readTree(oid: string): Promise<readonly TreeEntry[]>;
  readBlob(oid: string): Promise<Uint8Array>;
}

/**
 * Writes a tree into an empty working directory, and its index (gitformat-index, version 2) so that
 * the git program finds nothing changed.
 *
 * A malicious tree writes nothing outside: names that are no plain file names, `.git` in any case
 * and names that come twice are refused, and symbolic links are made last, so no write can go
 * through one. Links are written as they are in the tree, also when they lead outside, as git does:
 * whoever reads a file of the tree must resolve it. Submodules become empty folders.
 */
export async function checkoutTree(
  source: TreeSource,
  treeOid: string,
  directory: string,
  progress: (line: string) => void,
  options: {
    /** Default `.git/index` of the directory. */
    readonly index?: string;
    readonly onSubmodule?: (path: string) => void;
  } = {},
): Promise<void> {
  const entries = await listTree(source, treeOid);
  const rank = (entry: PlacedEntry): number => (entry.mode === SYMLINK ? 1 : 0);
  const ordered = [...entries].sort((a, b) => rank(a) - rank(b));
  const indexed: IndexEntry[] = [];
  let turn = Date.now();
  for (const entry of ordered) {
    const stats = await placeEntry(source, entry, directory);
    if (entry.mode === SUBMODULE) options.onSubmodule?.(entry.path);
    if (stats) indexed.push({ ...entry, stats });
    // All writes are synchronous (twice as fast); the channel to the parent needs a turn now and
    // then.
    if (Date.now() - turn > MAX_TURN_MS) {
      progress(`Checking out files: ${indexed.length}`);
      await new Promise((resolve) => setImmediate(resolve));
      turn = Date.now();
    }
  }
  writeFileSync(options.index ?? join(directory, '.git', 'index'), indexBytes(indexed));
}

const MAX_TURN_MS = 1000;
const SYMLINK = '120000';
const SUBMODULE = '160000';
const MAX_TREE_DEPTH = 200;

interface PlacedEntry {
  readonly mode: string;
  readonly path: string;
  readonly oid: string;
}

interface IndexEntry extends PlacedEntry {
  readonly stats: BigIntStats;
}

/** Every entry, folders before what they hold. */
async function listTree(source: TreeSource, rootOid: string): Promise<readonly PlacedEntry[]> {
  const entries: PlacedEntry[] = [];
  const visit = async (oid: string, prefix: string, depth: number): Promise<void> => {
    if (depth > MAX_TREE_DEPTH) throw refused(`folders are nested deeper than ${MAX_TREE_DEPTH}`);
    const names = new Set<string>();
    for (const entry of await source.readTree(oid)) {
      if (!isPlainName(entry.path)) {
        throw refused('a name that is not allowed, such as ".." or ".git"');
      }
      if (entry.mode === SYMLINK && isDotName(entry.path, 'gitmodules', 'gitmod~1')) {
        throw refused('.gitmodules as a symbolic link');
      }
      if (names.has(entry.path)) throw refused('two entries of one name');
      names.add(entry.path);
      const placed = { mode: entry.mode, oid: entry.oid, path: prefix + entry.path };
      entries.push(placed);
      if (isFolder(entry.mode)) await visit(entry.oid, `${placed.path}/`, depth + 1);
    }
  };
  await visit(rootOid, '', 0);
  return entries;
}

function isFolder(mode: string): boolean {
  return mode === '040000' || mode === '40000';
}

function isPlainName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !/[/\0]/.test(name) &&
    !isDotName(name, 'git', 'git~1')
  );
}

/**
 * Whether a file system could take the name for `.git` or the like, as git itself judges
 * (`is_hfs_dotgit`, `is_ntfs_dotgit`): HFS+ ignores some characters; NTFS ignores dots and spaces
 * at the end, has streams behind `:` and short names (`git~1`). Disks are shared with other
 * systems.
 */
function isDotName(name: string, dotted: string, short: string): boolean {
  const folded = name.replace(IGNORED_BY_HFS, '').toLowerCase();
  const base = (/^[^\\:]*/.exec(folded)?.[0] ?? '').replace(/[. ]+$/, '');
  return base === `.${dotted}` || base === short;
}

const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** undefined for what has no place in the index. */
async function placeEntry(
  source: TreeSource,
  entry: PlacedEntry,
  directory: string,
): Promise<BigIntStats | undefined> {
  const path = join(directory, entry.path);
  if (isFolder(entry.mode) || entry.mode === SUBMODULE) {
    mkdirSync(path);
    return entry.mode === SUBMODULE ? lstatSync(path, { bigint: true }) : undefined;
  }
  const content = await source.readBlob(entry.oid);
  if (entry.mode === SYMLINK) {
    symlinkSync(Buffer.from(content), path);
    return lstatSync(path, { bigint: true });
  }
  // `wx`: never an existing file, never through a link.
  const file = openSync(path, 'wx', isExecutable(entry.mode) ? 0o777 : 0o666);
  try {
    for (let written = 0; written < content.length;) {
      written += writeSync(file, content, written);
    }
    return fstatSync(file, { bigint: true });
  } finally {
    closeSync(file);
  }
}

function isExecutable(mode: string): boolean {
  return (parseInt(mode, 8) & 0o100) !== 0;
}

function indexBytes(entries: readonly IndexEntry[]): Buffer {
  const sorted = entries
    .map((entry) => ({ entry, name: Buffer.from(entry.path, 'utf8') }))
    .sort((a, b) => Buffer.compare(a.name, b.name));
  const header = Buffer.alloc(12);
  header.write('DIRC', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(sorted.length, 8);
  const content = Buffer.concat([
    header,
    ...sorted.map(({ entry, name }) => indexEntryBytes(entry, name)),
  ]);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}

function indexEntryBytes(entry: IndexEntry, name: Buffer): Buffer {
  const { stats } = entry;
  // At least one NUL behind the name, up to a multiple of eight.
  const bytes = Buffer.alloc(Math.ceil((62 + name.length + 1) / 8) * 8);
  const numbers = [
    stats.ctimeNs / SECOND,
    stats.ctimeNs % SECOND,
    stats.mtimeNs / SECOND,
    stats.mtimeNs % SECOND,
    stats.dev,
    stats.ino,
    BigInt(indexMode(entry.mode)),
    stats.uid,
    stats.gid,
    stats.size,
  ];
  numbers.forEach((value, position) => {
    bytes.writeUInt32BE(Number(BigInt.asUintN(32, value)), position * 4);
  });
  bytes.write(entry.oid, 40, 'hex');
  bytes.writeUInt16BE(Math.min(name.length, 0xfff), 60);
  name.copy(bytes, 62);
  return bytes;
}

const SECOND = 1_000_000_000n;

function indexMode(mode: string): number {
  if (mode === SYMLINK || mode === SUBMODULE) return parseInt(mode, 8);
  return isExecutable(mode) ? 0o100755 : 0o100644;
}

function refused(reason: string): GitError {
  return new GitError('failed', `The tree of this commit is refused: it holds ${reason}.`, false);
}
