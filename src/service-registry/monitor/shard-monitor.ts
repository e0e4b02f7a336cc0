import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import type { HeldLease } from '../../leases/held-lease.js';
import type { Leases } from '../../leases/leases.js';
import type { DeployedServices } from '../deployed-services.js';
import type { ProbeRows } from '../history/probe-rows.js';
import type { Prober } from '../probing/prober.js';
import type { ServiceStore } from '../record/service-store.js';
import { MONITOR_SILENT_MS, type ShardWatch, type WatchGap } from '../record/watched-service.js';
import { HealthWriter } from './health-writer.js';
import { ServiceMonitor } from './service-monitor.js';
import { ShardTargets } from './shard-targets.js';

const ROUND_MS = 1_500;
/** Another process watches when nothing was heard of this one for so long. */
const TURN_MS = 15_000;
const OBSERVED_EVERY_MS = 5_000;

export interface ShardParts {
  readonly store: ServiceStore;
  readonly deployed: DeployedServices;
  readonly leases: Leases;
  readonly prober: Prober;
  readonly rows: Pick<ProbeRows, 'add'>;
}

interface Turn {
  readonly lease: HeldLease;
  readonly monitor: ServiceMonitor;
  readonly writer: HealthWriter;
  readonly targets: ShardTargets;
  readonly beganAt: Date;
  observedAt: number;
  /** When it was last told that somebody looks, milliseconds since 1970; undefined: never. */
  toldAt: number | undefined;
  gap: WatchGap | null;
}

/**
 * Watches the services of one shard for as long as this process has the lease of it. What it sees
 * is stored under the fence of the lease. When the lease is lost nothing more is said: the next one
 * who has it begins with what is stored, and the time between counts as not observed.
 */
export class ShardMonitor extends BackgroundRounds {
  private turn: Turn | undefined;

  /** @param host whose services are watched; undefined: what was registered by hand */
  constructor(
    private readonly parts: ShardParts,
    private readonly host: string | undefined,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: 500, unref: true });
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    const { turn } = this;
    this.turn = undefined;
    if (turn === undefined) return;
    turn.monitor.stop();
    if (turn.lease.isLost) return;
    try {
      await this.store(turn, true);
      await turn.lease.release();
    } catch (error) {
      this.logger.debug({ err: error }, 'the turn was not given back; it runs out by itself');
    }
  }

  protected async work(): Promise<void> {
    const turn = await this.myTurn();
    if (turn === undefined) return;
    const { changed, heard, gone } = await turn.targets.changes();
    if (turn.lease.isLost) return;
    for (const id of gone) {
      turn.monitor.forget(id);
      turn.writer.forget(id);
    }
    for (const target of changed) {
      if (target.health && !turn.monitor.has(target.id)) {
        turn.writer.takeOver(target.id, target.health, target.outbox);
      }
      const isSeen = target.endpoints.length > 0 || target.ttlMs !== null;
      if (isSeen || target.isStopped) turn.monitor.watch(target);
      else turn.monitor.forget(target.id);
    }
    for (const id of heard) turn.monitor.heard(id);
    await this.store(turn, false);
  }

  private async myTurn(): Promise<Turn | undefined> {
    if (this.turn?.lease.isLost === false) return this.turn;
    this.turn?.monitor.stop();
    this.turn = undefined;
    const { store, deployed, leases, prober, rows } = this.parts;
    const targets = new ShardTargets(store, deployed, this.host);
    if (!(await targets.isAny())) return undefined;
    const lease = await leases.take(`services.${targets.shard}`, TURN_MS);
    if (lease === undefined) return undefined;
    const { fence } = lease;
    const writer = new HealthWriter(store, fence);
    const before = await this.observedBefore(lease, targets.shard);
    const toldAt = before?.observed_at.getTime();
    const monitor = new ServiceMonitor({
      ...{ prober, fence, observedAt: toldAt },
      listener: {
        news: (service, news) => {
          writer.add(service, news);
          if (!this.isStopping) void this.flush(writer);
        },
        row: (service, row) => rows.add(service, row),
      },
    });
    lease.whenLost(() => {
      monitor.stop();
      this.logger.warn(
        { shard: targets.shard },
        'the services are watched no more by this process: its lease is lost',
      );
    });
    monitor.start();
    this.turn = {
      ...{ lease, monitor, writer, targets, beganAt: new Date(), observedAt: -Infinity },
      ...{ toldAt, gap: before?.gap ?? null },
    };
    return this.turn;
  }

  private async observedBefore(lease: HeldLease, shard: string): Promise<ShardWatch | undefined> {
    try {
      return await this.parts.store.shard(shard);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  private async store(turn: Turn, isLast: boolean): Promise<void> {
    const { lease, writer, targets } = turn;
    await writer.flush();
    if (writer.lost > 0) {
      this.logger.error(
        { lost: writer.lost },
        'changes of services were lost: the database was away',
      );
      writer.lost = 0;
    }
    const now = performance.now();
    if (!isLast && now - turn.observedAt < OBSERVED_EVERY_MS) return;
    const at = new Date();
    const { toldAt } = turn;
    if (toldAt !== undefined && at.getTime() - toldAt > MONITOR_SILENT_MS) {
      turn.gap = { from: new Date(toldAt), until: at };
    }
    const { gap, beganAt: began_at } = turn;
    const watch = { _id: targets.shard, fence: lease.fence, began_at, observed_at: at, gap };
    if (!(await this.parts.store.observed(watch))) return;
    turn.observedAt = now;
    turn.toldAt = at.getTime();
  }

  /** Never rejects: what is left the next round stores. */
  private async flush(writer: HealthWriter): Promise<void> {
    try {
      await writer.flush();
    } catch (error) {
      this.logger.debug({ err: error }, 'the state of services is stored later');
    }
  }
}
