import { LeftOuts, reasonOrThrow } from '../tree/left-out.js';
import type { TreeEntryKind, TreeFolder } from '../tree/tree-folder.js';
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

/** What a glob includes. */
export interface WalkedEntry {
  /** Relative to the top, UTF-8. */
  readonly path: string;
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** The folder that it is in. It is open until the next entry is asked for. */
  readonly parent: TreeFolder;
}

/** Each level holds a folder open. */
const MAX_DEPTH = 200;
/** Bytes. Less than the 4,096 of the system, so that there is room for a folder before it. */
const MAX_PATH = 4000;

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
    for (const entry of entries) {
      const name = entry.name.toString();
      const entryPath = path === '' ? name : `${path}/${name}`;
      const { isIncluded, folder } = this.walk.enter(globs, name, entry.kind === 'folder');
      if (!isIncluded && !(folder && entry.kind === 'folder')) continue;
      const problem = this.problemOf(entry.kind, name, entryPath);
      if (problem) {
        if (isIncluded) this.leftOut.add(entryPath, problem);
        continue;
      }
      if (entry.kind === 'special') continue;
      if (isIncluded) yield { path: entryPath, name, kind: entry.kind, parent };
      if (entry.kind !== 'folder' || !folder) continue;
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
