import type { CountUpdate, WindowTotals } from './shared-counts.js';

/** What a limiter says of one request. */
export interface Verdict {
  readonly allowed: boolean;
  /** Requests in a window; 0 = there is no limit. */
  readonly limit: number;
  readonly windowSeconds: number;
  /** Requests that would be allowed now. */
  readonly remaining: number;
  /** Seconds to the end of the window. */
  readonly resetSeconds: number;
  /** Seconds until the next request is allowed; 0 when this one is. */
  readonly retryAfterSeconds: number;
  /** True at the first refusal of a client in a window: the one to log. */
  readonly isNews: boolean;
}

export interface RateLimiterOptions {
  readonly name: string;
  /** Requests of one client in a window; 0 = no limit. */
  readonly limit: number;
  readonly windowMs: number;
  /** Called when there is something to tell the other processes. */
  readonly onPending?: () => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface ClientCount {
  window: number;
  /** Of all processes, as far as they are known, and of this one up to the last `settle`. */
  current: number;
  previous: number;
  /** Of this process, not yet told to the others. */
  pending: number;
  refused: boolean;
}

/**
 * Clients that one process remembers (about 10 MB); beyond it those are forgotten that were first
 * seen longest ago.
 */
const MAX_CLIENTS = 50_000;
/**
 * The other processes hear of a client from this part of its limit on. So ordinary clients
 * cost Redis nothing, and a flood of addresses cannot fill it; in return the limit over several
 * processes may be passed by this part for each.
 */
const SHARED_FROM = 1 / 20;

/**
 * Counts requests of clients in sliding windows: what the window before counted weighs less the
 * older it gets, so that no burst of twice the limit fits around the change of windows. Refused
 * requests do not count: a client that continues asking is still served at the rate of its limit.
 * It decides at once, in this process; what other processes counted comes in by `pending` and
 * `settle`.
 */
export class RateLimiter {
  private readonly clients = new Map<string, ClientCount>();
  /** Clients with something that the others should know. */
  private readonly unreported = new Set<string>();
  private readonly now: () => number;

  constructor(private readonly options: RateLimiterOptions) {
    this.now = options.now ?? Date.now;
  }

  /** Requests of one client in a window; 0 = no limit. */
  get limit(): number {
    return this.options.limit;
  }

  /** Decides on one request of a client and counts it when it is allowed. */
  take(client: string): Verdict {
    const { limit, windowMs } = this.options;
    const now = this.now();
    const window = Math.floor(now / windowMs);
    const passed = (now % windowMs) / windowMs;
    const windowSeconds = windowMs / 1_000;
    const resetSeconds = Math.max(1, Math.ceil((1 - passed) * windowSeconds));
    const common = { limit, windowSeconds, resetSeconds };
    if (limit === 0) {
      return { ...common, allowed: true, remaining: 0, retryAfterSeconds: 0, isNews: false };
    }
    const count = this.countOf(client, window);
    const used = count.previous * (1 - passed) + count.current + count.pending;
    if (used > limit - 1) {
      const isNews = !count.refused;
      count.refused = true;
      const retryAfterSeconds = Math.ceil(waitOf(count, limit, passed) * windowSeconds);
      return { ...common, allowed: false, remaining: 0, retryAfterSeconds, isNews };
    }
    count.pending += 1;
    if (count.current + count.pending >= limit * SHARED_FROM) {
      this.unreported.add(client);
      this.options.onPending?.();
    }
    const remaining = Math.floor(limit - used - 1);
    return { ...common, allowed: true, remaining, retryAfterSeconds: 0, isNews: false };
  }

  /** What the other processes should know, at most `most` clients of it. */
  pending(most: number): CountUpdate[] {
    const updates: CountUpdate[] = [];
    for (const client of this.unreported) {
      if (updates.length >= most) break;
      const count = this.clients.get(client);
      this.unreported.delete(client);
      if (count === undefined || count.pending === 0) continue;
      const { window, pending } = count;
      updates.push({ limiter: this.options.name, client, window, add: pending });
    }
    return updates;
  }

  /**
   * Takes over the totals that an update was answered by. The counts of a client never fall within
   * a window.
   */
  settle(update: CountUpdate, totals: WindowTotals): void {
    const count = this.clients.get(update.client);
    if (count?.window !== update.window) return;
    count.pending -= update.add;
    count.current = Math.max(totals.current, count.current + update.add);
    count.previous = Math.max(totals.previous, count.previous);
  }

  private countOf(client: string, window: number): ClientCount {
    const known = this.clients.get(client);
    if (known?.window === window) return known;
    const isNext = known !== undefined && known.window === window - 1;
    const previous = isNext ? known.current + known.pending : 0;
    const count = { window, current: 0, previous, pending: 0, refused: false };
    // Taken out first, so that it stands behind those that were seen before it.
    this.clients.delete(client);
    this.clients.set(client, count);
    if (this.clients.size > MAX_CLIENTS) {
      const oldest = this.clients.keys().next();
      if (oldest.done !== true) this.clients.delete(oldest.value);
    }
    return count;
  }
}

/**
 * Part of a window until one more request fits: in this one, when the weight of the last has gone,
 * or in the next.
 */
function waitOf(count: ClientCount, limit: number, passed: number): number {
  const current = count.current + count.pending;
  if (current <= limit - 1) return 1 - passed - (limit - 1 - current) / count.previous;
  return 1 - passed + 1 - (limit - 1) / current;
}
