import { ProcessSearch, searchProcesses } from './process-search.js';
import type { ProcessSnapshot } from './process-snapshot.js';
import { killUntilNone } from './tree-ender.js';
import type { TreeLedger } from './tree-ledger.js';
import { findGroup, oldestTicks } from './tree-search.js';

/**
 * A reading of the process table costs 1 ms and more; this many times its cost must pass before the
 * next one.
 */
const REST_FACTOR = 20;

interface Waiting {
  readonly promise: Promise<number>;
  resolve(count: number): void;
  reject(error: unknown): void;
}

/**
 * Sweeps groups; those that are asked for at about the same time share one reading of the process
 * table.
 */
export class SweepQueue {
  private readonly waiting = new Map<string, Waiting>();
  private scheduled = false;
  private restUntil = 0;

  constructor(
    private readonly ledger: TreeLedger,
    private readonly giveMark: (mark: number) => void,
  ) {}

  /** Ends what is left of the group and forgets it; resolves with how many processes that were. */
  sweep(group: string): Promise<number> {
    // Nothing of it was started since its last sweep.
    if (!this.ledger.has(group)) return Promise.resolve(0);
    const known = this.waiting.get(group);
    if (known) return known.promise;
    const waiting = makeWaiting();
    this.waiting.set(group, waiting);
    this.schedule();
    return waiting.promise;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const rest = this.restUntil - performance.now();
    if (rest <= 0) setImmediate(() => this.run());
    else setTimeout(() => this.run(), rest);
  }

  private run(): void {
    this.scheduled = false;
    const begin = performance.now();
    const groups = [...this.waiting].map(([group, waiting]) => ({
      group,
      waiting,
      trace: this.ledger.trace(group),
    }));
    this.waiting.clear();
    const search = ProcessSearch.begin(Math.min(...groups.map(({ trace }) => oldestTicks(trace))));
    let clear = groups;
    do {
      clear = clear.filter(({ trace }) => findGroup(search.snapshot, trace).length === 0);
    } while (clear.length > 0 && search.next());
    for (const swept of groups) {
      const isOver = search.isComplete && clear.includes(swept);
      if (isOver) this.finish(swept.group, swept.waiting, 0);
      else void this.end(swept.group, swept.waiting);
    }
    const end = performance.now();
    this.restUntil = end + REST_FACTOR * (end - begin);
  }

  private async end(group: string, waiting: Waiting): Promise<void> {
    try {
      const search = (followMs: number) => {
        const trace = this.ledger.trace(group);
        const find = (snapshot: ProcessSnapshot) => findGroup(snapshot, trace);
        return searchProcesses(oldestTicks(trace), find, followMs);
      };
      this.finish(group, waiting, await killUntilNone(search));
    } catch (error) {
      waiting.reject(error);
    }
  }

  private finish(group: string, waiting: Waiting, count: number): void {
    for (const mark of this.ledger.remove(group)) this.giveMark(mark);
    waiting.resolve(count);
  }
}

function makeWaiting(): Waiting {
  const waiting = {} as { promise: Promise<number> } & Pick<Waiting, 'resolve' | 'reject'>;
  waiting.promise = new Promise<number>((resolve, reject) => {
    waiting.resolve = resolve;
    waiting.reject = reject;
  });
  return waiting;
}
