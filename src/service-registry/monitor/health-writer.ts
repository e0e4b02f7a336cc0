import type { ServiceStore } from '../record/service-store.js';
import type { ServiceChange, ServiceHealth } from '../record/watched-service.js';
import type { WatchNews } from './service-watch.js';

/** Of one service, while the store is away; the oldest of more are lost, and counted. */
export const MOST_PENDING = 100;
const MOST_AT_ONCE = 16;

interface Pending {
  readonly health: ServiceHealth;
  readonly outbox: readonly ServiceChange[];
}

/**
 * Stores what a monitor says: the state and its change in one write, then the change by itself, so
 * that none is lost wherever it stops, and none is there twice. What cannot be stored now is stored
 * later, in order.
 */
export class HealthWriter {
  private readonly pending = new Map<string, Pending>();
  private underWay: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  /** Changes that were lost, as the store was away for too long. */
  lost = 0;

  constructor(
    private readonly store: Pick<ServiceStore, 'writeHealth' | 'insertChanges'>,
    private readonly fence: number,
  ) {}

  get isEmpty(): boolean {
    return this.pending.size === 0;
  }

  /** What an earlier monitor left in the record of a service. */
  takeOver(service: string, health: ServiceHealth, outbox: readonly ServiceChange[]): void {
    if (outbox.length === 0 || this.pending.has(service)) return;
    this.pending.set(service, { health: { ...health, fence: this.fence }, outbox });
  }

  add(service: string, { health, change }: WatchNews): void {
    const outbox = [...(this.pending.get(service)?.outbox ?? []), ...(change ? [change] : [])];
    this.lost += Math.max(0, outbox.length - MOST_PENDING);
    this.pending.set(service, { health, outbox: outbox.slice(-MOST_PENDING) });
  }

  forget(service: string): void {
    this.pending.delete(service);
  }

  /**
   * Stores all that there is, one call after another; rejects when the store is away, and may be
   * called again.
   */
  async flush(): Promise<void> {
    this.waiting ??= this.underWay.then(() => {
      this.waiting = undefined;
      const now = this.writeAll();
      this.underWay = now.then(
        () => undefined,
        () => undefined,
      );
      return now;
    });
    return this.waiting;
  }

  private async writeAll(): Promise<void> {
    const left = [...this.pending.keys()].values();
    const work = async (): Promise<void> => {
      for (const service of left) await this.write(service);
    };
    const ended = await Promise.allSettled(Array.from({ length: MOST_AT_ONCE }, work));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  private async write(service: string): Promise<void> {
    const written = this.pending.get(service);
    if (written === undefined) return;
    const { health, outbox } = written;
    const isMine = await this.store.writeHealth(service, { health, outbox });
    if (isMine && outbox.length > 0) {
      await this.store.insertChanges(outbox);
      await this.store.writeHealth(service, { health, outbox: [] });
    }
    // Where it was removed, or another monitor has it, nothing of ours counts any more.
    const now = this.pending.get(service);
    if (now === written || !isMine) this.pending.delete(service);
    else if (now) {
      const rest = now.outbox.filter((change) => !outbox.includes(change));
      this.pending.set(service, { ...now, outbox: rest });
    }
  }
}
