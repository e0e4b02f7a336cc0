import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
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
export class RetentionSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RetentionSweeper.name);
  private readonly task = new PeriodicTask(() => this.sweep(), {
    everyMs: ASK_MS,
    firstAfterMs: 3_000,
  });

  constructor(
    private readonly config: MillraceConfig,
    private readonly retention: ExecutionRetention,
    private readonly leases: Leases,
  ) {}

  onApplicationBootstrap(): void {
    const { retentionDays, retentionCount } = this.config;
    if (retentionDays > 0 || retentionCount > 0) this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /** Sweeps if it is this process's turn. Never rejects: what fails is tried again in time. */
  async sweep(): Promise<void> {
    try {
      const lease = await this.leases.take(LEASE, LEASE_MS);
      if (lease !== undefined) await this.sweepUnder(lease);
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.logger.debug({ err: error }, 'database away');
      else this.logger.error({ err: error }, 'retention failed');
    }
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
      pauseMs = this.task.isStopped ? 0 : PAUSE_MS;
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
      return !this.task.isStopped && !lease.isLost;
    };
  }
}
