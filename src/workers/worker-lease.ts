import { Injectable, Logger } from '@nestjs/common';
import { hostname } from 'node:os';
import { MillraceConfig } from '../config/millrace-config.js';
import { packageVersion } from '../config/paths.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import { WorkerBeats } from './worker-beats.js';
import type { DrainRequest, WorkerMachine, WorkerRefusal, WorkerStatus } from './worker.schema.js';
import { WorkerPulse } from './worker-pulse.js';
import { WorkersRepository } from './workers.repository.js';

const BEAT_INTERVAL_MS = 5_000;
const REGISTER_DEADLINE_MS = 10 * 60_000;

/** What a beat reports, asked for at each one. */
export interface WorkerReport {
  readonly executions: readonly string[];
  readonly machine: WorkerMachine;
  readonly refusal: WorkerRefusal | null;
}

/**
 * This process's right to run executions: registered once, renewed every 5 s in the database and in Redis.
 */
@Injectable()
export class WorkerLease {
  /** Identity of this life of this process. */
  readonly id = uuidV7();
  readonly name = `${hostname()}-${process.pid}`;
  private readonly logger = new Logger(WorkerLease.name);
  private status: WorkerStatus = 'active';
  private count = 1;
  private renewal: Promise<boolean> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private report: (() => WorkerReport) | undefined;
  /** Whoever wants this worker to take nothing more; as of the last renewal. */
  drainRequest: DrainRequest | null = null;
  private readonly onBeat: (() => void)[] = [];
  private readonly onLost: (() => void)[] = [];
  private isLost = false;

  constructor(
    private readonly config: MillraceConfig,
    private readonly workers: WorkersRepository,
    private readonly beats: WorkerBeats,
    private readonly pulse: WorkerPulse,
  ) {}

  /** Called at every renewal, whether it succeeded or not. No renewal waits for what the listener begins. */
  whenRenewing(listener: () => void): void {
    this.onBeat.push(listener);
  }

  /** Called once when others declared this worker lost. */
  whenLost(listener: () => void): void {
    this.onLost.push(listener);
  }

  /** Registers the worker, waiting for the database if it must, and keeps the lease from then on. */
  async start(report: () => WorkerReport): Promise<void> {
    this.report = report;
    const now = new Date();
    await databaseRetry(
      () =>
        this.workers.register({
          _id: this.id,
          name: this.name,
          host: hostname(),
          pid: process.pid,
          labels: [...this.config.workerLabels],
          concurrency: this.config.workerConcurrency,
          version: packageVersion(),
          node_version: process.version,
          status: this.status,
          ...reported(report()),
          drain_requested: null,
          beat: this.count,
          started_at: now,
          heartbeat_at: now,
        }),
      { deadlineMs: REGISTER_DEADLINE_MS },
    );
    await this.beatInRedis();
    this.pulse.start(() => this.becomeStill());
    this.timer = setInterval(() => void this.renew(), BEAT_INTERVAL_MS);
  }

  /** Tells that no further executions are taken. */
  async drain(): Promise<void> {
    this.status = 'draining';
    // One that is under way may have told the status of before.
    await this.renewal;
    await this.renew();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.pulse.stop();
    this.status = 'stopped';
    await databaseRetry(() => this.workers.end(this.id, 'stopped'), { deadlineMs: 3_000 });
    await this.beats.remove(this.id).catch((error: unknown) => this.unreachable('Redis', error));
  }

  /** The stores do not wait for each other: a database that hangs must not make the beats in Redis rare. */
  private async renew(): Promise<void> {
    if (!this.pulse.isSteady) return;
    this.count += 1;
    await Promise.all([this.beatInRedis(), this.renewInDatabase()]);
  }

  private async renewInDatabase(): Promise<void> {
    if (this.renewal) return;
    const renewal = this.beatInDatabase();
    this.renewal = renewal;
    const alive = await renewal;
    this.renewal = undefined;
    if (alive) for (const listener of this.onBeat) listener();
    else this.becomeLost();
  }

  private becomeLost(): void {
    if (this.status === 'stopped' || this.isLost) return;
    this.isLost = true;
    clearInterval(this.timer);
    this.logger.error('this worker was declared lost by others: it stops');
    for (const listener of this.onLost) listener();
  }

  /** An ordered end needs what stands still. Its pipe's end tells the launcher, and its lease runs out. */
  private becomeStill(): void {
    this.logger.fatal('no file operation was answered for 15 s: this process ends itself');
    process.kill(process.pid, 'SIGKILL');
  }

  /** False only when the database says that this worker is lost. */
  private async beatInDatabase(): Promise<boolean> {
    try {
      if (!this.report) throw new Error('the lease was not started');
      const wish = await this.workers.beat(this.id, {
        ...reported(this.report()),
        beat: this.count,
        status: this.status,
        heartbeat_at: new Date(),
      });
      if (wish === 'lost') return false;
      this.drainRequest = wish;
      return true;
    } catch (error) {
      this.unreachable('the database', error);
      return true;
    }
  }

  private async beatInRedis(): Promise<void> {
    try {
      await this.beats.beat(this.id, this.count);
    } catch (error) {
      this.unreachable('Redis', error);
    }
  }

  private unreachable(store: string, error: unknown): void {
    this.logger.debug({ err: error }, `lease not renewed in ${store}`);
  }
}

function reported(report: WorkerReport): WorkerReport & { readonly running: number } {
  return { ...report, running: report.executions.length };
}
