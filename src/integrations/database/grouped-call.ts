import { AsyncLocalStorage } from 'node:async_hooks';
import { within } from '../../common/async/within.js';
import { noAnswer } from './call-watch.js';
import { currentPatience, withRequestPatience } from './database-patience.js';

/** What became of one of a group. */
export type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Of documents of the usual size, far below what one message may have. */
const MOST = 50;

/**
 * One call for many: what comes while one is on its way goes together with the next. Whoever is
 * alone waits for nobody, and nobody is told what a call that began before theirs has found.
 */
export class GroupedCall<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private isUnderWay = false;
  /** Outside the context of any request: one call serves many. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /** @param call gives one for each item, in their order; what it throws holds for all of them */
  constructor(private readonly call: (items: readonly Item[]) => Promise<Outcome<Result>[]>) {}

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
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const own = { item, resolve, reject };
    this.waiting.push(own);
    if (!this.isUnderWay) void this.outside(() => this.callForAll());
    return within(ms, promise, () => {
      this.waiting = this.waiting.filter((one) => one !== own);
      patience.failed(startedAt);
      throw noAnswer(ms);
    });
  }

  private async callForAll(): Promise<void> {
    this.isUnderWay = true;
    while (this.waiting.length > 0) await this.callForGroup(this.waiting.splice(0, MOST));
    this.isUnderWay = false;
  }

  private async callForGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      // One that hangs holds up the others no longer than a request waits.
      const all = await withRequestPatience(() => this.call(group.map(({ item }) => item)));
      for (const [index, { resolve, reject }] of group.entries()) {
        const one = all[index];
        if (one === undefined) reject(new Error('a call for a group says nothing of one of them'));
        else if ('error' in one) reject(one.error);
        else resolve(one.result);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
