import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import type { HeldLease } from '../../leases/held-lease.js';
import { Leases } from '../../leases/leases.js';
import { ExecutionRetention, type ShouldContinue } from './execution-retention.js';

const LEASE = 'retention';
/** A process that began and was heard of no more has lost its turn. */
const LEASE_MS = 60_000;
/** How often a process asks whether it is its turn. */
const ASK_MS = 20_000;
/** Between two sweeps of the installation. */
const PAUSE_MS = 10 * 60_000;
/** After a sweep that failed. */
const FAILED_PAUSE_MS = 60_000;

/** Lets the retention sweep run, in one process of the installation at a time. */
@Injectable()
export class RetentionSweeper extends BackgroundRounds {
  constructor(
    private readonly config: MillraceConfig,
    private readonly retention: ExecutionRetention,
    private readonly leases: Leases,
  ) {
    super({ everyMs: ASK_MS, firstAfterMs: 3_000 });
  }

  protected override get isWanted(): boolean {
    const { retentionDays, retentionCount } = this.config;
    return retentionDays > 0 || retentionCount > 0;
  }

  /** Sweeps if it is this process's turn. */
  protected async work(): Promise<void> {
    const lease = await this.leases.take(LEASE, LEASE_MS);
    if (lease !== undefined) await this.sweepUnder(lease);
  }

  private async sweepUnder(lease: HeldLease): Promise<void> {
    let pauseMs = FAILED_PAUSE_MS;
    try {
      const { retentionDays: days, retentionCount: count } = this.config;
      const began = performance.now();
      const removed = await this.retention.sweep({ days, count }, Date.now(), this.pacer(lease));
      const ms = Math.round(performance.now() - began);
      if (Object.values(removed).some((number) => number > 0)) {
        this.logger.log({ ...removed, ms }, 'retention removed executions');
      }
      // What a stop cut short is for the next process that asks.
      pauseMs = this.isStopping ? 0 : PAUSE_MS;
    } finally {
      await lease.release(pauseMs);
    }
  }

  /** Rests as long as the last batch took: half of the database is for others. */
  private pacer(lease: HeldLease): ShouldContinue {
    let batchBegan = performance.now();
    return async () => {
      const restMs = performance.now() - batchBegan;
      await new Promise((resolve) => setTimeout(resolve, restMs));
      batchBegan = performance.now();
      return !this.isStopping && !lease.isLost;
    };
  }
}
