import { Injectable, Logger } from '@nestjs/common';
import { LeaseWatch, type Reading } from '../common/lease/lease-watch.js';
import { WorkerBeats } from './worker-beats.js';
import type { WorkerRecord } from './worker.schema.js';
import { WorkersRepository } from './workers.repository.js';

/** A worker whose lease was not renewed for so long, in either store, is lost. */
const LEASE_MS = 15_000;
/** Workers that ended stay in the list for so long. */
const KEEP_ENDED_MS = 24 * 3_600_000;
const FORGET_INTERVAL_MS = 10 * 60_000;

/** Watches the leases of all workers from this process. */
@Injectable()
export class WorkerObserver {
  private readonly logger = new Logger(WorkerObserver.name);
  private readonly watch = new LeaseWatch(LEASE_MS);
  private known: readonly WorkerRecord[] = [];
  private nextForgetting = 0;

  constructor(
    private readonly workers: WorkersRepository,
    private readonly beats: WorkerBeats,
  ) {}

  /**
   * Reads both stores and declares lost what is lost. To be called every few seconds, never
   * concurrently.
   */
  async observe(): Promise<void> {
    const database = await this.readDatabase();
    const ids = this.known.map(({ _id }) => _id);
    const redis = await this.readRedis(ids);
    for (const id of this.watch.observe(ids, [database, redis], performance.now())) {
      await this.workers.end(id, 'lost');
      this.logger.warn({ workerId: id }, 'worker lost: its lease ran out');
    }
    await this.forgetEnded();
  }

  private async forgetEnded(): Promise<void> {
    const now = performance.now();
    if (now < this.nextForgetting) return;
    await this.workers.removeEnded(new Date(Date.now() - KEEP_ENDED_MS));
    this.nextForgetting = now + FORGET_INTERVAL_MS;
  }

  private async readDatabase(): Promise<Reading> {
    try {
      this.known = await this.workers.live();
      return new Map(this.known.map(({ _id, beat }) => [_id, String(beat)]));
    } catch (error) {
      this.logger.debug({ err: error }, 'leases cannot be read from the database');
      return 'unreachable';
    }
  }

  private async readRedis(ids: readonly string[]): Promise<Reading> {
    try {
      const values = await this.beats.read(ids);
      return new Map(ids.map((id, index) => [id, values[index]]));
    } catch (error) {
      this.logger.debug({ err: error }, 'leases cannot be read from Redis');
      return 'unreachable';
    }
  }
}
