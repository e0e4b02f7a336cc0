import { LeftOuts, reasonOrThrow } from '../tree/left-out.js';
import type { TreeEntry, TreeEntryKind, TreeFolder } from '../tree/tree-folder.js';
import type { GlobFolder, Globs, GlobWalk } from '../values/globs/globs.js';
import { REPLACEMENT } from '../values/text-rule.js';

export interface WalkLimits {
  /** How many names are looked at, whether a glob includes them or not. */
  readonly maxEntries: number;
}

/** The tree has more entries than the walk may look at. */
export class WalkLimitError extends Error {
  constructor(readonly maxEntries: number) {
    super(`The folders that the globs lead to hold more than ${maxEntries} entries.`);
    this.name = 'WalkLimitError';
  }
}

interface EntryBase {
  /** Relative to the top, UTF-8. */
  readonly path: string;
  readonly name: string;
  /** The folder that it is in. It is open until the next entry is asked for. */
  readonly parent: TreeFolder;
}

export interface WalkedFile extends EntryBase {
  readonly kind: 'file';
  /** Names of the included files that come right after it, in the same folder. */
  readonly next: readonly string[];
}

export type WalkedEntry = WalkedFile | (EntryBase & { readonly kind: 'folder' | 'link' });

/** How many names of the files after a file are told. */
const MAX_NEXT = 8;
/** Each level holds a folder open. */
const MAX_DEPTH = 200;
/** Bytes. Less than the 4,096 of the system, so that there is room for a folder before it. */
const MAX_PATH = 4000;

interface Step {
  readonly name: string;
  readonly path: string;
  readonly kind: WalkedEntry['kind'];
  readonly isIncluded: boolean;
  readonly folder: GlobFolder | undefined;
}

/**
 * Walks the part of a tree in which globs can fit. Strangers may change the tree meanwhile: no link
 * is followed, and nothing outside is ever read. What cannot be taken is left out by name.
 */
export class TreeWalk {
  readonly leftOut = new LeftOuts();
  private readonly walk: GlobWalk;
  private seen = 0;

  constructor(
    globs: Globs,
    private readonly limits: WalkLimits,
  ) {
    this.walk = globs.start();
  }

  /**
   * The included entries, a folder before what is in it, sorted by the bytes of the names.
   * @throws WalkLimitError
   */
  async *entries(top: TreeFolder): AsyncGenerator<WalkedEntry, void, void> {
    yield* this.below(top, '', this.walk.top, 0);
  }

  /** After the walk: the globs that have fitted nothing. */
  unmatched(): readonly string[] {
    return this.walk.unmatched();
  }

  private async *below(
    parent: TreeFolder,
    path: string,
    globs: GlobFolder,
    depth: number,
  ): AsyncGenerator<WalkedEntry, void, void> {
    const { maxEntries } = this.limits;
    const entries = await parent.entries(maxEntries - this.seen);
    if (!entries) throw new WalkLimitError(maxEntries);
    this.seen += entries.length;
    const steps = entries.flatMap((entry) => this.step(entry, path, globs));
    for (const [index, { name, path: entryPath, kind, isIncluded, folder }] of steps.entries()) {
      const base = { path: entryPath, name, parent };
      if (kind === 'file') yield { ...base, kind, next: filesAfter(steps, index) };
      else if (isIncluded) yield { ...base, kind };
      if (kind !== 'folder' || !folder) continue;
      if (depth >= MAX_DEPTH) {
        this.leftOut.add(entryPath, 'too_deep');
        continue;
      }
      const child = await this.open(parent, name, entryPath);
      if (!child) continue;
      try {
        yield* this.below(child, entryPath, folder, depth + 1);
      } finally {
        await child.close();
      }
    }
  }

  /** What is to be done with an entry; none: nothing, it is not included or left out. */
  private step(entry: TreeEntry, parentPath: string, globs: GlobFolder): readonly Step[] {
    const { kind } = entry;
    const name = entry.name.toString();
    const path = parentPath === '' ? name : `${parentPath}/${name}`;
    const { isIncluded, folder } = this.walk.enter(globs, name, kind === 'folder');
    if (!isIncluded && !(folder && kind === 'folder')) return [];
    const problem = this.problemOf(kind, name, path);
    if (problem && isIncluded) this.leftOut.add(path, problem);
    if (problem || kind === 'special') return [];
    return [{ name, path, kind, isIncluded, folder }];
  }

  private problemOf(kind: TreeEntryKind, name: string, path: string) {
    // It stands for bytes that are no UTF-8; a name that holds it cannot be told from these.
    if (name.includes(REPLACEMENT)) return 'invalid_name';
    if (kind === 'special') return 'special_file';
    return Buffer.byteLength(path) > MAX_PATH ? 'path_too_long' : undefined;
  }

  private async open(
    parent: TreeFolder,
    name: string,
    path: string,
  ): Promise<TreeFolder | undefined> {
    const opened = await parent.folder(name).catch(reasonOrThrow);
    if (typeof opened !== 'string') return opened;
    this.leftOut.add(path, opened);
    return undefined;
  }
}

function filesAfter(steps: readonly Step[], index: number): readonly string[] {
  const after = steps.slice(index + 1, index + 1 + MAX_NEXT);
  const end = after.findIndex(({ kind }) => kind !== 'file');
  return (end < 0 ? after : after.slice(0, end)).map(({ name }) => name);
}
