import { closeSync, openSync, writeSync } from 'node:fs';
import type { LauncherFolder, LauncherIdentity } from './launcher-folder.js';
import { readOomScoreAdjustment } from './process-table.js';

const LOWEST_MARK = 301;
const HIGHEST_MARK = 999;
/** Files looked at in a range before it is given up: with 200 trees of other launchers on the host the last misses once in 10^17. */
const CLAIM_TRIES = 32;
/**
 * Shares of what is above the launcher's own value, in the order in which they are tried. A step may itself run
 * Millrace (its own tests do), whose marks must be above the step's: the top is left to those while there is room.
 */
const RANGES = [0.6, 1];

/**
 * Marks that a process cannot lose by accident. A mark is a value of `/proc/PID/oom_score_adj`: every child inherits it,
 * over `setsid`, a double fork, `env -i` and closed descriptors; anyone may read it, an ordinary user may set it, and
 * setting it costs 1 µs. Its other effect is wanted too: short of memory, the kernel ends steps before workers.
 *
 * A mark is one tree's while the tree runs, and its group's until the group was swept (see `tree-search.ts`).
 * Without the file, or where the launcher itself already runs at the highest value, there are no marks.
 */
export class MarkPool {
  readonly #free: number[] = [];
  #descriptor: number | undefined;
  #base = 0;

  constructor(
    private readonly folder: LauncherFolder,
    private readonly owner: LauncherIdentity,
  ) {
    this.#base = readOomScoreAdjustment(process.pid) ?? HIGHEST_MARK;
    this.#descriptor = openForMarks();
  }

  /** Undefined when the system offers no marks or all are in use. */
  take(): number | undefined {
    if (this.#descriptor === undefined) return undefined;
    const known = this.#free.pop();
    if (known !== undefined) return known;
    const lowest = Math.max(LOWEST_MARK, this.#base + 1);
    for (const range of RANGES) {
      const mark = this.#claimAmong(lowest, Math.ceil((HIGHEST_MARK - lowest + 1) * range));
      if (mark !== undefined) return mark;
    }
    return undefined;
  }

  #claimAmong(lowest: number, count: number): number | undefined {
    for (let tries = 0; tries < CLAIM_TRIES && count > 0; tries += 1) {
      const mark = lowest + Math.floor(Math.random() * count);
      if (isFreeForUs(mark) && this.folder.claim(mark, this.owner)) return mark;
    }
    return undefined;
  }

  /** Gives a mark back: nothing may carry it any more. It stays claimed on the host for this launcher's next tree. */
  give(mark: number): void {
    this.#free.push(mark);
  }

  /** Runs `spawn` (synchronously, with its fork) so that the child carries the mark. False: the mark could not be set. */
  whileMarked(mark: number, spawn: () => void): boolean {
    const descriptor = this.#descriptor;
    if (descriptor === undefined || !this.#write(descriptor, mark)) {
      spawn();
      return false;
    }
    try {
      spawn();
    } finally {
      this.#write(descriptor, this.#base);
    }
    return true;
  }

  #write(descriptor: number, value: number): boolean {
    try {
      writeSync(descriptor, String(value), 0);
      return true;
    } catch {
      // Refused by the kernel's or a sandbox's policy (EACCES, EPERM, EINVAL…): marks are an aid; the other rules of the search remain.
      closeSync(descriptor);
      this.#descriptor = undefined;
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
