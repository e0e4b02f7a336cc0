import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { uuidV7 } from '../../common/ids/uuid.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { ExecutionRetention } from './execution-retention.js';
import { SweepsRepository } from './sweeps.repository.js';

const SWEEP = 'retention';
/** How often a process asks whether it is its turn. */
const ASK_MS = 60_000;
/** A process that began and was heard of no more has lost its turn. */
const LEASE_MS = 60_000;
/** Between two sweeps of the installation. */
const PAUSE_MS = 10 * 60_000;

/** Lets the retention sweep run, in one process of the installation at a time. */
@Injectable()
export class RetentionSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RetentionSweeper.name);
  private readonly holder = uuidV7();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private round: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: MillraceConfig,
    private readonly retention: ExecutionRetention,
    private readonly sweeps: SweepsRepository,
  ) {}

  onApplicationBootstrap(): void {
    const { retentionDays, retentionCount } = this.config;
    if (retentionDays > 0 || retentionCount > 0) this.schedule(ASK_MS / 20);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** Sweeps if it is this process's turn. Never rejects: what fails is tried again in time. */
  async sweep(): Promise<void> {
    try {
      if (!(await this.sweeps.take(SWEEP, this.holder, LEASE_MS))) return;
      const { retentionDays: days, retentionCount: count } = this.config;
      const began = performance.now();
      const shouldContinue = this.pacer();
      const removed = await this.retention.sweep({ days, count }, Date.now(), shouldContinue);
      const ms = Math.round(performance.now() - began);
      if (Object.values(removed).some((number) => number > 0)) {
        this.logger.log({ ...removed, ms }, 'retention removed executions');
      }
      // What a stop cut short is for the next process that asks.
      await this.sweeps.finish(SWEEP, this.holder, this.stopped ? 0 : PAUSE_MS);
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.logger.debug({ err: error }, 'database away');
      else this.logger.error({ err: error }, 'retention failed');
    }
  }

  /** Renews the lease between batches, and rests as long as the last batch took: half of the database is for others. */
  private pacer(): () => Promise<boolean> {
    let batchBegan = performance.now();
    return async () => {
      await sleep(performance.now() - batchBegan);
      batchBegan = performance.now();
      return !this.stopped && (await this.sweeps.take(SWEEP, this.holder, LEASE_MS));
    };
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    // Processes that were started together should not all ask at the same moment.
    const jittered = delayMs * (0.75 + Math.random() * 0.5);
    this.timer = setTimeout(() => {
      this.round = this.sweep().then(() => this.schedule(ASK_MS));
    }, jittered);
  }
}
