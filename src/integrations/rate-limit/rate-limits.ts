import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { RateLimiter } from './rate-limiter.js';
import type { SharedCounts, WindowTotals } from './shared-counts.js';

/** Window of all limits. */
export const WINDOW_MS = 60_000;
/**
 * Milliseconds from a request until its count is sent to the other processes, and the same again
 * where that failed.
 */
const SYNC_MS = 50;
const SYNC_AGAIN_MS = 1_000;
/** Clients in one command to the store. */
const CLIENTS_AT_ONCE = 500;
const unknown: WindowTotals = { current: 0, previous: 0 };

export interface RateLimitsOptions {
  /** Requests of one client address in a minute; 0 = no limit. */
  readonly requests: number;
  /** Requests with a missing or wrong token of one client address in a minute; 0 = no limit. */
  readonly authFailures: number;
  /** Requests of one client address in a minute that compile YAML; 0 = no limit. */
  readonly compilations: number;
  /** Steps of log-ins and refreshes of one client address in a minute; 0 = no limit. */
  readonly logIns: number;
  /** Requests of one user or service account in a minute, from wherever; 0 = no limit. */
  readonly users: number;
  /** Webhook deliveries from one client address in a minute; 0 = no limit. */
  readonly webhooks: number;
  readonly now?: () => number;
}

/**
 * The limits of this server, per client address (`users`: per user) and minute. Each process
 * decides by itself, without waiting for anything, and tells the others what it counted every 50
 * ms. With the store away the processes count each for itself, and nothing is refused that would
 * not be refused anyway.
 */
export class RateLimits implements OnApplicationShutdown {
  readonly requests: RateLimiter;
  readonly authFailures: RateLimiter;
  readonly compilations: RateLimiter;
  readonly logIns: RateLimiter;
  readonly users: RateLimiter;
  readonly webhooks: RateLimiter;
  private readonly logger = new Logger('RateLimits');
  private timer: NodeJS.Timeout | undefined;
  private syncing = false;
  private away = false;
  private closed = false;

  constructor(
    options: RateLimitsOptions,
    private readonly shared: SharedCounts,
  ) {
    const common = { windowMs: WINDOW_MS, now: options.now, onPending: () => this.syncSoon() };
    this.requests = new RateLimiter({ ...common, name: 'requests', limit: options.requests });
    this.authFailures = new RateLimiter({ ...common, name: 'auth', limit: options.authFailures });
    this.compilations = new RateLimiter({
      ...common,
      name: 'compile',
      limit: options.compilations,
    });
    this.logIns = new RateLimiter({ ...common, name: 'login', limit: options.logIns });
    this.users = new RateLimiter({ ...common, name: 'user', limit: options.users });
    this.webhooks = new RateLimiter({ ...common, name: 'webhook', limit: options.webhooks });
  }

  onApplicationShutdown(): void {
    this.closed = true;
    this.syncing = true;
    clearTimeout(this.timer);
  }

  private all(): readonly RateLimiter[] {
    const { requests, authFailures, compilations, logIns, users, webhooks } = this;
    return [requests, authFailures, compilations, logIns, users, webhooks];
  }

  private syncSoon(): void {
    if (this.syncing || this.timer !== undefined) return;
    this.timer = setTimeout(() => void this.sync(), this.away ? SYNC_AGAIN_MS : SYNC_MS);
    this.timer.unref();
  }

  /** Never rejects. */
  private async sync(): Promise<void> {
    this.timer = undefined;
    this.syncing = true;
    let isReached = false;
    try {
      for (const limiter of this.all()) {
        isReached = (await this.exchange(limiter)) || isReached;
      }
      if (isReached && this.away) {
        this.away = false;
        this.logger.log('limits hold over all API processes again');
      }
    } catch (error) {
      const text = 'limits hold for each API process alone until Redis is back';
      if (!this.away) this.logger.warn({ err: error }, text);
      this.away = true;
    }
    this.syncing = this.closed;
    // What came meanwhile; without it this ends at the next look.
    if (isReached) this.syncSoon();
  }

  /** True when something was exchanged. */
  private async exchange(limiter: RateLimiter): Promise<boolean> {
    const updates = limiter.pending(CLIENTS_AT_ONCE);
    if (updates.length === 0) return false;
    try {
      const totals = await this.shared.add(updates, WINDOW_MS);
      updates.forEach((update, index) => limiter.settle(update, totals[index] ?? unknown));
    } catch (error) {
      // Whether it was added is not known, and what is added twice could refuse what is within the
      // limit: not again.
      for (const update of updates) limiter.settle(update, unknown);
      throw error;
    }
    return true;
  }
}
