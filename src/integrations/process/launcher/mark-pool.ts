import { closeSync, openSync, writeSync } from 'node:fs';
import type { LauncherFolder, LauncherIdentity } from '../protocol/launcher-folder.js';
import { readOomScoreAdjustment } from '../trees/process-table.js';

/**
 * Ranges of marks. A launcher uses the first that is wholly above its own value: a step may itself
 * run Millrace (its own tests do), as a user that cannot see the claims of the outer one, and no
 * mark of the inner may be one of the outer's.
 */
const RANGES = [
  [301, 719],
  [720, 887],
  [888, 999],
] as const;
const HIGHEST_MARK = 999;
/**
 * Files looked at before a range is given up: with 200 trees of other launchers on the host the
 * last misses once in 10^10.
 */
const CLAIM_TRIES = 32;

/**
 * Marks that a process cannot lose by accident. A mark is a value of `/proc/PID/oom_score_adj`:
 * every child inherits it, over `setsid`, a double fork, `env -i` and closed descriptors; anyone
 * may read it, an ordinary user may set it, and setting it costs 1 µs. Its other effect is wanted
 * too: short of memory, the kernel ends steps before workers.
 *
 * A mark is one tree's while the tree runs, and its group's until the group was swept (see
 * `tree-search.ts`). Without the file, or where the launcher itself already runs at the highest
 * value, there are no marks.
 */
export class MarkPool {
  private readonly free: number[] = [];
  private descriptor: number | undefined;
  private base = 0;

  constructor(
    private readonly folder: LauncherFolder,
    private readonly owner: LauncherIdentity,
  ) {
    this.base = readOomScoreAdjustment(process.pid) ?? HIGHEST_MARK;
    this.descriptor = openForMarks();
  }

  /** Undefined when the system offers no marks or all are in use. */
  take(): number | undefined {
    if (this.descriptor === undefined) return undefined;
    const known = this.free.pop();
    if (known !== undefined) return known;
    const [lowest, highest] = RANGES.find(([first]) => first > this.base) ?? [
      this.base + 1,
      HIGHEST_MARK,
    ];
    const count = highest - lowest + 1;
    for (let tries = 0; tries < CLAIM_TRIES && count > 0; tries += 1) {
      const mark = lowest + Math.floor(Math.random() * count);
      if (isFreeForUs(mark) && this.folder.claim(mark, this.owner)) return mark;
    }
    return undefined;
  }

  /**
   * Gives a mark back: nothing may carry it any more. It stays claimed on the host for this
   * launcher's next tree.
   */
  give(mark: number): void {
    this.free.push(mark);
  }

  /**
   * Runs `spawn` (synchronously, with its fork) so that the child carries the mark. False: the mark
   * could not be set.
   */
  whileMarked(mark: number, spawn: () => void): boolean {
    const descriptor = this.descriptor;
    if (descriptor === undefined || !this.write(descriptor, mark)) {
      spawn();
      return false;
    }
    try {
      spawn();
    } finally {
      this.write(descriptor, this.base);
    }
    return true;
  }

  private write(descriptor: number, value: number): boolean {
    try {
      writeSync(descriptor, String(value), 0);
      return true;
    } catch {
      // Refused by the kernel's or a sandbox's policy (EACCES, EPERM, EINVAL…): marks are an aid;
      // the other rules of the search remain.
      closeSync(descriptor);
      this.descriptor = undefined;
      return false;
    }
  }
}

/** Round values are what other programs use (Chrome 300, Kubernetes and systemd 100, 500, 900…). */
function isFreeForUs(mark: number): boolean {
  return mark % 50 !== 0;
}

function openForMarks(): number | undefined {
  try {
    return openSync('/proc/self/oom_score_adj', 'w');
  } catch {
    // Not Linux, or /proc is read-only here: no marks, see the class.
    return undefined;
  }
}
