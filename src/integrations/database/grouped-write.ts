import { AsyncLocalStorage } from 'node:async_hooks';
import { within } from '../../common/async/within.js';
import { noAnswer } from './call-watch.js';
import { currentPatience } from './database-patience.js';

/** What became of one of a group. */
export type Written<Result> = { readonly result: Result } | { readonly error: unknown };

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Of documents of the usual size far below what one message may have. */
const MOST = 50;

/**
 * One write for many: what comes while one is on its way goes together with the next. Whoever is
 * alone waits for nobody.
 */
export class GroupedWrite<Item, Result> {
  private readonly waiting: Waiting<Item, Result>[] = [];
  private isUnderWay = false;
  /** Outside the context of any request: one write serves many. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /** @param write gives one for each item, in their order; what it throws holds for all of them */
  constructor(private readonly write: (items: readonly Item[]) => Promise<Written<Result>[]>) {}

  /**
   * Resolves when the item is written. Waits with the patience of who calls, not longer; the item
   * may be written after that.
   *
   * @throws what `write` has for it, or throws; an error for which `isDatabaseUnavailable` holds
   *   when the time is over
   */
  async add(item: Item): Promise<Result> {
    const patience = currentPatience();
    const startedAt = performance.now();
    const ms = patience.remainingMs();
    const written = new Promise<Result>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
    });
    if (!this.isUnderWay) void this.outside(() => this.writeAll());
    return within(ms, written, () => {
      patience.failed(startedAt);
      throw noAnswer(ms);
    });
  }

  private async writeAll(): Promise<void> {
    this.isUnderWay = true;
    while (this.waiting.length > 0) await this.writeGroup(this.waiting.splice(0, MOST));
    this.isUnderWay = false;
  }

  private async writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const all = await this.write(group.map(({ item }) => item));
      for (const [index, { resolve, reject }] of group.entries()) {
        const one = all[index];
        if (one === undefined) reject(new Error('a group was written, and nothing is said of one'));
        else if ('error' in one) reject(one.error);
        else resolve(one.result);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
