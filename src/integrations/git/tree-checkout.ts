import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import type { Gitlink } from './clone-driver.js';
import { GitError } from './git-client.js';

/** Where the checkout gets its objects from; both as they are stored. */
export interface TreeSource {
  readTree(oid: string): Promise<Uint8Array>;
  readBlob(oid: string): Promise<Uint8Array>;
}

export interface WrittenEntry {
  /** Bytes of the path from the top of the tree, with `/`. */
  readonly path: Buffer;
  readonly oid: string;
  /** As the index has it. */
  readonly mode: number;
  readonly stats: BigIntStats;
}

export interface WrittenTree {
  /** What has a place in the index: files, links and submodules. */
  readonly entries: readonly WrittenEntry[];
  readonly submodules: readonly Gitlink[];
  /** Content of the files named `.gitattributes`. */
  readonly attributes: readonly string[];
  /** Paths of files whose content is a pointer of Git LFS. */
  readonly pointers: readonly string[];
}

/**
 * Writes a tree into an empty working directory. Names are bytes, and arrive as they are.
 *
 * A malicious tree writes nothing outside: names that are no plain file names, `.git` in any case
 * and names that come twice are refused, and symbolic links are made last, so no write can go
 * through one. Links are written as they are in the tree, also when they lead outside, as git does:
 * whoever reads a file of the tree must resolve it. Submodules become empty folders.
 * @param only names at the top of the tree; default all
 */
export async function checkoutTree(
  source: TreeSource,
  treeOid: string,
  directory: string,
  progress: (line: string) => void,
  only?: readonly string[],
): Promise<WrittenTree> {
  const placed = await listTree(source, treeOid, only);
  const rank = (entry: PlacedEntry): number => (entry.mode === SYMLINK ? 1 : 0);
  const ordered = [...placed].sort((a, b) => rank(a) - rank(b));
  const entries: WrittenEntry[] = [];
  const submodules: Gitlink[] = [];
  const attributes: string[] = [];
  const pointers: string[] = [];
  let turn = Date.now();
  for (const { path, oid, mode } of ordered) {
    const target = Buffer.concat([Buffer.from(`${directory}/`), path]);
    if (isFolder(mode)) {
      mkdirSync(target);
      continue;
    }
    const { stats, content } = await writeEntry(source, { target, oid, mode });
    if (mode === SUBMODULE) submodules.push({ path: path.toString(), sha: oid });
    if (content && /(?:^|\/)\.gitattributes$/.test(path.toString('latin1'))) {
      attributes.push(Buffer.from(content).toString());
    }
    if (content && isPointer(content)) pointers.push(path.toString());
    entries.push({ path, oid, mode: indexMode(mode), stats });
    // All writes are synchronous (twice as fast); the channel to the parent needs a turn now and
    // then.
    if (Date.now() - turn > MAX_TURN_MS) {
      progress(`Checking out files: ${entries.length}`);
      await new Promise((resolve) => setImmediate(resolve));
      turn = Date.now();
    }
  }
  return { entries, submodules, attributes, pointers };
}

const MAX_TURN_MS = 1000;
const SYMLINK = '120000';
const SUBMODULE = '160000';
const MAX_TREE_DEPTH = 200;
const SHA_BYTES = 20;

interface PlacedEntry {
  readonly path: Buffer;
  readonly oid: string;
  /** Octal, as in the tree: `100644`, `100755`, `120000`, `160000`, `40000`. */
  readonly mode: string;
}

/** Every entry, folders before what they hold. */
async function listTree(
  source: TreeSource,
  rootOid: string,
  only?: readonly string[],
): Promise<readonly PlacedEntry[]> {
  const entries: PlacedEntry[] = [];
  const visit = async (oid: string, prefix: Buffer, depth: number): Promise<void> => {
    if (depth > MAX_TREE_DEPTH) throw refused(`folders are nested deeper than ${MAX_TREE_DEPTH}`);
    const names = new Set<string>();
    for (const entry of parseTree(Buffer.from(await source.readTree(oid)))) {
      const bytes = entry.path.toString('latin1');
      if (!isPlainName(bytes, entry.path.toString())) {
        throw refused('a name that is not allowed, such as ".." or ".git"');
      }
      if (entry.mode === SYMLINK && isDotName(entry.path.toString(), 'gitmodules', 'gitmod~1')) {
        throw refused('.gitmodules as a symbolic link');
      }
      if (names.has(bytes)) throw refused('two entries of one name');
      names.add(bytes);
      if (depth === 0 && only && !only.includes(bytes)) continue;
      const placed = { ...entry, path: Buffer.concat([prefix, entry.path]) };
      entries.push(placed);
      if (isFolder(entry.mode)) {
        await visit(entry.oid, Buffer.concat([placed.path, Buffer.from('/')]), depth + 1);
      }
    }
  };
  await visit(rootOid, Buffer.alloc(0), 0);
  return entries;
}

/** Entries of `<octal mode> <name>\0<20 bytes of the SHA>`. */
function* parseTree(content: Buffer): Generator<PlacedEntry> {
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space);
    const next = end + 1 + SHA_BYTES;
    if (space === -1 || end === -1 || next > content.length) throw refused('a broken entry');
    yield {
      mode: content.toString('latin1', at, space).replace(/^0+/, ''),
      path: content.subarray(space + 1, end),
      oid: content.toString('hex', end + 1, next),
    };
    at = next;
  }
}

function isFolder(mode: string): boolean {
  return mode === '40000';
}

function isPlainName(bytes: string, text: string): boolean {
  return (
    bytes !== '' &&
    bytes !== '.' &&
    bytes !== '..' &&
    !bytes.includes('/') &&
    !isDotName(text, 'git', 'git~1')
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

interface Written {
  readonly stats: BigIntStats;
  /** Of a file. */
  readonly content?: Uint8Array;
}

async function writeEntry(
  source: TreeSource,
  { target, oid, mode }: { readonly target: Buffer; readonly oid: string; readonly mode: string },
): Promise<Written> {
  if (mode === SUBMODULE) {
    mkdirSync(target);
    return { stats: lstatSync(target, { bigint: true }) };
  }
  const content = await source.readBlob(oid);
  if (mode === SYMLINK) {
    symlinkSync(Buffer.from(content), target);
    return { stats: lstatSync(target, { bigint: true }) };
  }
  // `wx`: never an existing file, never through a link.
  const file = openSync(target, 'wx', isExecutable(mode) ? 0o777 : 0o666);
  try {
    for (let written = 0; written < content.length;) {
      written += writeSync(file, content, written);
    }
    return { stats: fstatSync(file, { bigint: true }), content };
  } finally {
    closeSync(file);
  }
}

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
function isPointer(content: Uint8Array): boolean {
  return (
    content.length < MAX_POINTER &&
    Buffer.from(content).toString('latin1').startsWith('version https://git-lfs.github.com/spec/')
  );
}

const MAX_POINTER = 1024;

function isExecutable(mode: string): boolean {
  return (parseInt(mode, 8) & 0o100) !== 0;
}

function indexMode(mode: string): number {
  if (mode === SYMLINK || mode === SUBMODULE) return parseInt(mode, 8);
  return isExecutable(mode) ? 0o100755 : 0o100644;
}

function refused(reason: string): GitError {
  return new GitError('failed', `The tree of this commit is refused: it holds ${reason}.`, false);
}
