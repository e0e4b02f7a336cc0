import { AsyncLocalStorage } from 'node:async_hooks';
import { within } from '../../common/async/within.js';
import { busy, noAnswer } from './call-watch.js';
import { isDatabaseUnavailable } from './database-errors.js';
import { currentPatience, withRequestPatience } from './database-patience.js';

/** What became of one of a group. */
export type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

interface Waiting<Item, Result> {
  readonly item: Item;
  /** What who asks can wait, ms. */
  readonly ms: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Of documents of the usual size, far below what one message may have. */
const MOST = 50;

export interface GroupingOptions<Item> {
  /** Items of one key go one after another. */
  readonly keyOf?: (item: Item) => unknown;
  /** Each call waits for more for this time, ms; default 0. */
  readonly gatherMs?: number;
}

/**
 * One call for many: what comes while one is on its way goes together with the next. Whoever is
 * alone waits for nobody, and nobody is told what a call that began before theirs has found.
 */
export class GroupedCall<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private isUnderWay = false;
  private answers = 0;
  /** Outside the context of any request: one call serves many. */
  private readonly outside = AsyncLocalStorage.snapshot();

  private readonly keyOf: (item: Item) => unknown;
  private readonly gatherMs: number;

  /**
   * @param call gives one for each item, in their order; what it throws holds for all of them where
   *   the database is away, and is asked for each by itself otherwise
   */
  constructor(
    private readonly call: (items: readonly Item[]) => Promise<Outcome<Result>[]>,
    { keyOf = () => Symbol(), gatherMs = 0 }: GroupingOptions<Item> = {},
  ) {
    this.keyOf = keyOf;
    this.gatherMs = gatherMs;
  }

  /**
   * Waits with the patience of who asks, not longer: then it is not asked for any more, and a call
   * that was begun for it may take effect all the same.
   *
   * @throws what `call` has for it, or throws; an error for which `isDatabaseUnavailable` holds
   *   when the time is over
   */
  async add(item: Item): Promise<Result> {
    const patience = currentPatience();
    const startedAt = performance.now();
    const ms = patience.remainingMs();
    const { answers } = this;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const own = { item, ms, resolve, reject };
    this.waiting.push(own);
    if (!this.isUnderWay) void this.outside(() => this.callForAll());
    try {
      const result = await within(ms, promise, () => {
        this.waiting = this.waiting.filter((one) => one !== own);
        throw this.answers === answers ? noAnswer(ms) : busy();
      });
      patience.answered();
      return result;
    } catch (error) {
      if (isDatabaseUnavailable(error)) patience.failed(startedAt);
      else patience.answered();
      throw error;
    }
  }

  private async callForAll(): Promise<void> {
    this.isUnderWay = true;
    while (this.waiting.length > 0) {
      if (this.gatherMs > 0) await later(this.gatherMs);
      const group = this.nextGroup();
      // Whoever was waiting may have given up meanwhile.
      if (group.length > 0) await this.callForGroup(group);
    }
    this.isUnderWay = false;
  }

  private nextGroup(): readonly Waiting<Item, Result>[] {
    const keys = new Set<unknown>();
    const group = this.waiting
      .filter(({ item }) => {
        const key = this.keyOf(item);
        return !keys.has(key) && keys.add(key);
      })
      .slice(0, MOST);
    this.waiting = this.waiting.filter((one) => !group.includes(one));
    return group;
  }

  private async callForGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    // As patient as the most patient of them.
    const ms = Math.max(...group.map((one) => one.ms));
    try {
      const all = await withRequestPatience(() => this.call(group.map(({ item }) => item)), ms);
      this.answers += 1;
      for (const [index, { resolve, reject }] of group.entries()) {
        const one = all[index];
        if (one === undefined) reject(new Error('a call for a group says nothing of one of them'));
        else if ('error' in one) reject(one.error);
        else resolve(one.result);
      }
    } catch (error) {
      const isOfOne = group.length === 1 || isDatabaseUnavailable(error);
      if (!isOfOne) for (const one of group) await this.callForGroup([one]);
      for (const { reject } of isOfOne ? group : []) reject(error);
    }
  }
}

async function later(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
