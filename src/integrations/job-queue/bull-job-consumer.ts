import { Logger } from '@nestjs/common';
import { DelayedError, type Job, type Telemetry, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { settledWithin } from '../../common/async/within.js';
import type { RedisConnections } from '../redis/redis-connections.js';
import type { ExecutionJob, JobConsumer, JobHandler, JobOutcome } from './job-queue.js';

/** A job that found no free slot, or was put back, is offered again after this long. */
const PUT_BACK_DELAY_MS = 250;
/**
 * A dead worker's job is offered to others after this long; the execution's lease decides whether
 * they may have it.
 */
const STALLED_INTERVAL_MS = 15_000;

interface OpenQueue {
  readonly worker: Worker<ExecutionJob>;
  readonly connection: Redis;
}

/** BullMQ workers, one per queue, over one pool of slots. */
export class BullJobConsumer implements JobConsumer {
  private readonly logger = new Logger('JobConsumer');
  private readonly open = new Map<string, OpenQueue>();
  /** Closed to new jobs, while those that they gave are under way. */
  private readonly retiring = new Set<OpenQueue>();
  private readonly underWay = new Set<Promise<unknown>>();
  private paused = false;
  private closed = false;

  constructor(
    private readonly redis: RedisConnections,
    private readonly prefix: string,
    private readonly concurrency: number,
    private readonly handler: JobHandler,
    private readonly telemetry?: Telemetry,
  ) {}

  get running(): number {
    return this.underWay.size;
  }

  setQueues(queues: readonly string[]): void {
    if (this.closed) return;
    for (const name of queues) if (!this.open.has(name)) this.openQueue(name);
    for (const [name, queue] of this.open) {
      if (queues.includes(name)) continue;
      this.open.delete(name);
      this.detach(this.retire(queue), 'closing a queue');
    }
  }

  pause(): void {
    this.paused = true;
    this.applyPause();
  }

  resume(): void {
    this.paused = false;
    this.applyPause();
  }

  async close(graceMs: number): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.pause();
    await settledWithin(graceMs, [...this.underWay]);
    await Promise.all([...this.open.values()].map((queue) => this.closeQueue(queue)));
    this.open.clear();
    for (const { connection } of this.retiring) this.redis.release(connection);
  }

  private openQueue(name: string): void {
    const connection = this.redis.dedicated();
    const worker = new Worker<ExecutionJob>(name, (job, token) => this.process(job, token), {
      connection,
      prefix: this.prefix,
      concurrency: this.concurrency,
      stalledInterval: STALLED_INTERVAL_MS,
      skipVersionCheck: true,
      ...(this.telemetry && { telemetry: this.telemetry }),
    });
    worker.on('error', (error) => this.logger.debug({ err: error, queue: name }, 'queue consumer'));
    this.open.set(name, { worker, connection });
    if (this.paused) this.applyPause();
  }

  private async process(job: Job<ExecutionJob>, token: string | undefined): Promise<void> {
    if (!isExecutionJob(job.data)) {
      this.logger.warn({ jobId: job.id, queue: job.queueName }, 'a job that is none was dropped');
      return;
    }
    const { queueName: queue } = job;
    // One that closes may fetch another job until it has heard of that.
    const outcome = this.open.has(queue) ? await this.takeSlot(job.data, queue) : 'put_back';
    if (outcome === 'done') return;
    await job.moveToDelayed(Date.now() + PUT_BACK_DELAY_MS, token);
    throw new DelayedError();
  }

  private async takeSlot(job: ExecutionJob, queue: string): Promise<JobOutcome> {
    if (this.paused || this.running >= this.concurrency) return 'put_back';
    const work = this.handler(job, queue);
    this.underWay.add(work);
    this.applyPause();
    try {
      return await work;
    } finally {
      this.underWay.delete(work);
      this.applyPause();
    }
  }

  /**
   * With several queues each BullMQ worker could fill all slots by itself, so none may fetch while
   * the pool is full.
   */
  private applyPause(): void {
    const full = this.open.size > 1 && this.running >= this.concurrency;
    for (const { worker } of this.open.values()) {
      if (this.paused || full) {
        if (!worker.isPaused()) this.detach(worker.pause(true), 'pausing');
      } else if (worker.isPaused()) {
        this.detach(Promise.resolve(worker.resume()), 'resuming');
      }
    }
  }

  /**
   * Its jobs under way keep their locks until they are settled: otherwise they would be offered to
   * others as those of a dead worker, and what is put back would wait for that.
   */
  private async retire(queue: OpenQueue): Promise<void> {
    this.retiring.add(queue);
    try {
      await queue.worker.close();
    } finally {
      this.retiring.delete(queue);
      this.redis.release(queue.connection);
    }
  }

  /**
   * `force`: the handler's work is not the queue's to wait for; the lease, not the job, says who
   * runs an execution.
   */
  private async closeQueue({ worker, connection }: OpenQueue): Promise<void> {
    await worker.close(true);
    this.redis.release(connection);
  }

  private detach(work: Promise<unknown>, what: string): void {
    work.catch((error: unknown) => this.logger.warn({ err: error }, what));
  }
}

/** Whoever reaches Redis can write anything there; what is no text must not get into a query. */
function isExecutionJob(data: unknown): data is ExecutionJob {
  const { executionId, enqueueNumber } = (data ?? {}) as Partial<Record<string, unknown>>;
  return typeof executionId === 'string' && typeof enqueueNumber === 'number';
}
