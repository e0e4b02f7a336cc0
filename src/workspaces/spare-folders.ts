import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';

/** Of all attempts of one process: it runs few side by side. */
const MAX_SPARE = 16;
/** From when one is kept until it is removed, ms, if nobody has taken it by then. */
const IDLE_MS = 1_000;
/**
 * Longer than the step of the clock that a file system stamps changes with (at most 10 ms, with
 * CONFIG_HZ=100), ms. Two changes within one step have one stamp.
 */
const STAMP_STEP_MS = 20;
const NANOSECONDS = 1_000_000_000n;
const NS_IN_MS = 1_000_000n;

/** What a folder was when it was made. */
type Mark = Pick<BigIntStats, 'ino' | 'ctimeNs' | 'mode' | 'uid' | 'gid'>;

interface Marks {
  readonly root: Mark;
  readonly folders: ReadonlyMap<string, Mark>;
  /** A change from now on has a stamp of its own. */
  isSettled: boolean;
}

/**
 * Folders of attempts that nobody has touched since they were made, for the next attempts: in a
 * burst of short runs making and removing folders is up to a quarter of what a worker does.
 *
 * Untouched is what has the inode and the time of change (`st_ctime`) that it was made with. The
 * kernel sets that time whenever an entry comes or goes, and the owner, the mode, an attribute or a
 * rule of access changes, and no program can set it (inode(7)).
 */
export class SpareFolders {
  private readonly made = new Map<string, Marks>();
  /** Those that are kept longest come first. */
  private spare: { readonly root: string; readonly until: number }[] = [];
  private idle: NodeJS.Timeout | undefined;
  private closed = false;
  private shortAt = -Infinity;

  /**
   * @param names of the folders in a root
   * @param remove removes a root and its folders, which are empty
   */
  constructor(
    private readonly names: readonly string[],
    private readonly remove: (root: string) => void,
  ) {}

  /** The folders at `root` are new. */
  note(root: string): void {
    const folders = this.names.map((name): [string, Mark] => [name, markOf(`${root}/${name}`)]);
    this.made.set(root, { root: markOf(root), folders: new Map(folders), isSettled: false });
  }

  /** The folders at `from` are at `to` now. */
  renamed(from: string, to: string): void {
    const marks = this.made.get(from);
    this.made.delete(from);
    if (marks !== undefined) this.made.set(to, marks);
  }

  /** The folders at `root` are gone. */
  forget(root: string): void {
    this.made.delete(root);
  }

  /** From here on steps may touch the folders at `root`. */
  hand(root: string, now = Date.now()): void {
    const marks = this.made.get(root);
    if (marks !== undefined) marks.isSettled ||= isSettled(marks, now);
  }

  /** Whether the folders are as they were made, and there is room for them. */
  isUsable(root: string): boolean {
    const marks = this.made.get(root);
    if (!marks?.isSettled || this.closed || this.spare.length >= MAX_SPARE) return false;
    const names = readdirSync(root);
    if (names.length !== this.names.length) return false;
    const { mode, uid, gid } = markOf(root);
    if (mode !== marks.root.mode || uid !== marks.root.uid || gid !== marks.root.gid) return false;
    return [...marks.folders].every(([name, mark]) => {
      if (!names.includes(name)) return false;
      const { ino, ctimeNs } = markOf(`${root}/${name}`);
      // Where another host stamps changes, by its own clock, they may be missed; files are not.
      const isEmpty = readdirSync(`${root}/${name}`).length === 0;
      return ino === mark.ino && ctimeNs === mark.ctimeNs && isEmpty;
    });
  }

  /** Takes over what `isUsable`. */
  keep(root: string, now = performance.now()): void {
    this.spare.push({ root, until: now + IDLE_MS });
    this.idle ??= setTimeout(() => this.removeDue(), IDLE_MS).unref();
  }

  /** There was none, not for the first time in the last second: one more is worth making. */
  isShort(now = performance.now()): boolean {
    const isAgain = now - this.shortAt < IDLE_MS;
    this.shortAt = now;
    return isAgain && !this.closed;
  }

  /** One of them, which is not one of them any more. */
  take(): string | undefined {
    return this.spare.shift()?.root;
  }

  /** Removes them all; nothing is kept from now on. Idempotent. */
  close(): void {
    this.closed = true;
    clearTimeout(this.idle);
    this.removeDue(Infinity);
  }

  private removeDue(now = performance.now()): void {
    const due = this.spare.filter(({ until }) => until <= now);
    this.spare = this.spare.filter(({ until }) => until > now);
    for (const { root } of due) {
      this.forget(root);
      this.remove(root);
    }
    this.idle = undefined;
    const [next] = this.spare;
    if (next === undefined) return;
    this.idle = setTimeout(() => this.removeDue(), Math.max(1, next.until - now)).unref();
  }
}

function markOf(path: string): Mark {
  return lstatSync(path, { bigint: true });
}

/** Whole seconds: the file system may have no finer ones. */
function isSettled({ folders }: Marks, now: number): boolean {
  return [...folders.values()].every(
    ({ ctimeNs }) =>
      ctimeNs % NANOSECONDS !== 0n && Number(ctimeNs / NS_IN_MS) + STAMP_STEP_MS <= now,
  );
}
