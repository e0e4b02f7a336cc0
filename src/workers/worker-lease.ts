import { Injectable, Logger } from '@nestjs/common';
import { hostname } from 'node:os';
import { MillraceConfig } from '../config/millrace-config.js';
import { packageVersion } from '../config/paths.js';
import { KeptLease } from '../common/lease/kept-lease.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { CONTAINERS_LABEL } from '../common/values/worker-labels.js';
import type { ContainerSupport } from '../integrations/container-runtime/container-support.js';
import { EngineWatch } from '../integrations/container-runtime/engine-watch.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import { WorkerBeats } from './worker-beats.js';
import type {
  DrainRequest,
  WorkerContainers,
  WorkerMachine,
  WorkerRecord,
  WorkerRefusal,
  WorkerStatus,
} from './worker.schema.js';
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
 * This process's right to run executions: registered once, renewed every 5 s in the database and in
 * Redis.
 */
@Injectable()
export class WorkerLease {
  /** Identity of this life of this process. */
  readonly id = uuidV7();
  readonly name = `${hostname()}-${process.pid}`;
  private readonly logger = new Logger(WorkerLease.name);
  private status: WorkerStatus = 'active';
  private readonly kept = new KeptLease({
    everyMs: BEAT_INTERVAL_MS,
    stores: [
      {
        renew: (count) => this.beatInRedis(count),
        renewed: (error) => this.noteAway('Redis', error),
      },
      {
        renew: (count) => this.beatInDatabase(count),
        renewed: (error) => this.onRenewed(error),
      },
    ],
    mayRenew: () => this.pulse.isSteady,
    onLost: () => this.onLeaseLost(),
  });
  private report: (() => WorkerReport) | undefined;
  /** Whoever wants this worker to take nothing more; as of the last renewal. */
  drainRequest: DrainRequest | null = null;
  private readonly onBeat: (() => void)[] = [];
  private readonly onLost: (() => void)[] = [];

  constructor(
    private readonly config: MillraceConfig,
    private readonly workers: WorkersRepository,
    private readonly beats: WorkerBeats,
    private readonly pulse: WorkerPulse,
    private readonly engine: EngineWatch,
  ) {}

  /** What it offers to `runs_on`: the configured labels, and what its machine has now. */
  get labels(): readonly string[] {
    const { workerLabels } = this.config;
    return this.engine.support.isThere ? [...workerLabels, CONTAINERS_LABEL] : workerLabels;
  }

  /**
   * Called at every renewal, whether it succeeded or not. No renewal waits for what the listener
   * begins.
   */
  whenRenewing(listener: () => void): void {
    this.onBeat.push(listener);
  }

  /** Called once when others declared this worker lost. */
  whenLost(listener: () => void): void {
    this.onLost.push(listener);
  }

  /**
   * Registers the worker, waiting for the database if it must, and keeps the lease from then on.
   */
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
          ...this.offered(),
          concurrency: this.config.workerConcurrency,
          version: packageVersion(),
          node_version: process.version,
          status: this.status,
          ...reported(report()),
          drain_requested: null,
          beat: this.kept.renewals,
          started_at: now,
          heartbeat_at: now,
        }),
      { deadlineMs: REGISTER_DEADLINE_MS },
    );
    await this.beatInRedis(this.kept.renewals).catch((error: unknown) =>
      this.noteAway('Redis', error),
    );
    this.pulse.start(() => this.becomeStill());
    this.kept.start();
    this.engine.whenChanged(() => {
      if (this.status !== 'stopped') void this.kept.renewAnew();
    });
  }

  /** Tells that no further executions are taken. */
  async drain(): Promise<void> {
    this.status = 'draining';
    await this.kept.renewAnew();
  }

  async stop(): Promise<void> {
    this.kept.stop();
    this.pulse.stop();
    this.status = 'stopped';
    await databaseRetry(() => this.workers.end(this.id, 'stopped'), { deadlineMs: 3_000 });
    await this.beats.remove(this.id).catch((error: unknown) => this.noteAway('Redis', error));
  }

  private offered(): Pick<WorkerRecord, 'labels'> & { readonly containers: WorkerContainers } {
    return { labels: [...this.labels], containers: containersOf(this.engine.support) };
  }

  private onRenewed(error: unknown): void {
    this.noteAway('the database', error);
    for (const listener of this.onBeat) listener();
  }

  private onLeaseLost(): void {
    this.logger.error('this worker was declared lost by others: it stops');
    for (const listener of this.onLost) listener();
  }

  /**
   * An ordered end needs what stands still. Its pipe's end tells the launcher, and its lease runs
   * out.
   */
  private becomeStill(): void {
    this.logger.fatal('no file operation was answered for 15 s: this process ends itself');
    process.kill(process.pid, 'SIGKILL');
  }

  private async beatInDatabase(count: number): Promise<'kept' | 'lost'> {
    if (!this.report) throw new Error('the lease was not started');
    const request = await this.workers.beat(this.id, {
      ...reported(this.report()),
      ...this.offered(),
      beat: count,
      status: this.status,
      heartbeat_at: new Date(),
    });
    if (request === 'lost') return 'lost';
    this.drainRequest = request;
    return 'kept';
  }

  private async beatInRedis(count: number): Promise<'kept'> {
    await this.beats.beat(this.id, count);
    return 'kept';
  }

  private noteAway(store: string, error: unknown): void {
    if (error !== undefined) this.logger.debug({ err: error }, `lease not renewed in ${store}`);
  }
}

function reported(report: WorkerReport): WorkerReport & { readonly running: number } {
  return { ...report, running: report.executions.length };
}

function containersOf(support: ContainerSupport): WorkerContainers {
  return {
    engine: support.engine ?? null,
    platform: support.platform ?? null,
    reason: support.reason ?? null,
    builder: support.builder ?? null,
    builder_reason: support.builderReason ?? null,
    host_reachable: support.hostReachable ?? null,
    socket_shared: support.socketShared ?? null,
  };
}
