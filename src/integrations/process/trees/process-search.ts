import { type ProcessEntry, readProcess } from '../../../common/child-process/process-stat.js';
import { ProcessSnapshot } from './process-snapshot.js';
import { readLastPid, readPids } from './process-table.js';

/**
 * How long what is born during a search is followed, ms: the launcher does nothing else meanwhile.
 */
export const FOLLOW_MS = 5;
/** Of more that wait to be looked at, only the last born are. */
const MOST_BORN = 256;
/** Processes that are inspected before the search asks which ones were born meanwhile. */
const AT_ONCE = 16;

/** What a search found. */
export interface SearchResult {
  readonly found: readonly ProcessEntry[];
  /**
   * False: more may be there, born while others were looked at. Says nothing when something was
   * found.
   */
  readonly isComplete: boolean;
}

/**
 * A search of all processes that nothing outruns. Reading the table takes milliseconds: a process
 * that forks and ends all the time is gone before its turn comes, and its child was born too late
 * to be listed. So what is born meanwhile is looked at too, by the numbers that the kernel gave,
 * until a look sees no new number: who was gone when its turn came had its children before. The
 * last born are looked at first: they are the ones that may still be there.
 *
 * A number is given a moment before its process can be seen, while the parent still forks. So a
 * number without a process is looked at twice: if it is without one again, the parent has ended, or
 * was seen.
 */
export class ProcessSearch {
  /** What is to be searched now, first all, then what was born since. */
  snapshot: ProcessSnapshot;
  /** Whether all that lived at the last look was in a snapshot. */
  isComplete = false;
  private lastPid: number | undefined;
  private hasMissed = false;
  private listed: ReadonlySet<number> | undefined;
  /** Numbers that are to be looked at, in the order in which they were given. */
  private waiting: number[] = [];
  /** Those of the look before that had no process. */
  private unseen: readonly number[] = [];
  private followUntil = Infinity;

  private constructor(
    private readonly sinceTicks: number,
    private readonly followMs: number,
  ) {
    this.lastPid = readLastPid();
    const pids = readPids();
    this.listed = new Set(pids);
    this.snapshot = ProcessSnapshot.empty();
    this.look(pids, this.snapshot);
  }

  static begin(sinceTicks = 0, followMs = FOLLOW_MS): ProcessSearch {
    return new ProcessSearch(sinceTicks, followMs);
  }

  /**
   * To be asked when `snapshot` was searched, details included. False: no more is to be seen, see
   * `isComplete`.
   */
  next(): boolean {
    for (;;) {
      this.waiting.push(...this.newPids());
      if (this.waiting.length > MOST_BORN) {
        this.hasMissed = true;
        this.waiting = this.waiting.slice(-MOST_BORN);
      }
      if (this.waiting.length === 0 && this.unseen.length === 0) return this.end();
      if (performance.now() > this.followUntil) return false;
      const born = this.snapshot.follower();
      this.look(this.unseen, born);
      this.unseen = this.look(this.waiting.splice(-AT_ONCE).reverse(), born);
      if (born.entries.length === 0) continue;
      this.snapshot = born;
      return true;
    }
  }

  private end(): false {
    this.isComplete = !this.hasMissed;
    return false;
  }

  /** Numbers that were given since the look before. */
  private newPids(): number[] {
    const before = this.lastPid;
    // Where the system does not tell, one reading is all there is.
    const last = readLastPid() ?? before;
    this.lastPid = last;
    const late = this.lateInTable();
    if (before === undefined || last === undefined) return late;
    // A number that went down began from below again.
    if (last < before || last - before > MOST_BORN) this.hasMissed = true;
    const first = Math.max(before, last - MOST_BORN) + 1;
    return [...late, ...Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n)];
  }

  /** What had its number when the table was listed, and could not be seen yet. */
  private lateInTable(): number[] {
    const { listed } = this;
    if (listed === undefined) return [];
    this.listed = undefined;
    this.followUntil = performance.now() + this.followMs;
    return readPids().filter((pid) => !listed.has(pid));
  }

  /** Adds those that are there to `snapshot`; answers those that are not. */
  private look(pids: readonly number[], snapshot: ProcessSnapshot): number[] {
    const unseen: number[] = [];
    for (const pid of pids) {
      const entry = readProcess(pid);
      if (entry === undefined) unseen.push(pid);
      else if (entry.startTicks >= this.sinceTicks) snapshot.add(entry);
    }
    return unseen;
  }
}

/** Looks at all processes that began at `sinceTicks` or later, until `find` names some. */
export function searchProcesses(
  sinceTicks: number,
  find: (snapshot: ProcessSnapshot) => readonly ProcessEntry[],
  followMs?: number,
): SearchResult {
  const search = ProcessSearch.begin(sinceTicks, followMs);
  do {
    const found = find(search.snapshot);
    if (found.length > 0) return { found, isComplete: false };
  } while (search.next());
  return { found: [], isComplete: search.isComplete };
}
