import { Logger } from '@nestjs/common';
import { Queue, type Telemetry } from 'bullmq';
import { within } from '../../common/async/within.js';
import type { RedisConnections } from '../redis/redis-connections.js';
import { BullJobConsumer } from './bull-job-consumer.js';
import { type ExecutionJob, type JobConsumer, type JobHandler, JobQueue } from './job-queue.js';

/**
 * A trigger does not wait longer than this for the hint to be placed; the reconciler places it
 * later.
 */
const ENQUEUE_DEADLINE_MS = 2_000;

/** BullMQ behind the port: one BullMQ queue per queue name. */
export class BullJobQueue extends JobQueue {
  private readonly logger = new Logger('JobQueue');
  private readonly queues = new Map<string, Queue<ExecutionJob>>();
  private readonly consumers = new Set<BullJobConsumer>();

  constructor(
    private readonly redis: RedisConnections,
    /** Absent: jobs carry no trace. */
    private readonly telemetry?: Telemetry,
  ) {
    super();
  }

  async enqueue(queue: string, job: ExecutionJob): Promise<void> {
    // BullMQ would wait for the connection, and every trigger of an outage with it.
    if (this.redis.isAway()) throw new Error('Redis is away');
    await withDeadline(
      this.queue(queue).add('execution', job, {
        jobId: jobIdOf(job),
        removeOnComplete: true,
        removeOnFail: true,
      }),
    );
  }

  async renew(name: string, job: ExecutionJob): Promise<void> {
    const queue = this.queue(name);
    const id = jobIdOf(job);
    const state = await withDeadline(queue.getJobState(id));
    if (state === 'delayed') {
      // It may have been taken meanwhile.
      const delayed = await withDeadline(queue.getJob(id));
      await withDeadline(Promise.resolve(delayed?.promote())).catch(() => undefined);
    }
    if (state === 'unknown') await withDeadline(queue.remove(id));
    await this.enqueue(name, job);
  }

  async waiting(queue: string): Promise<number> {
    return withDeadline(this.queue(queue).getWaitingCount());
  }

  consume(concurrency: number, handler: JobHandler): JobConsumer {
    const consumer = new BullJobConsumer(
      this.redis,
      this.prefix,
      concurrency,
      handler,
      this.telemetry,
    );
    this.consumers.add(consumer);
    return consumer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close(0)));
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    this.queues.clear();
  }

  private get prefix(): string {
    return this.redis.key('bull');
  }

  private queue(name: string): Queue<ExecutionJob> {
    const known = this.queues.get(name);
    if (known) return known;
    const queue = new Queue<ExecutionJob>(name, {
      connection: this.redis.commands(),
      prefix: this.prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
      ...(this.telemetry && { telemetry: this.telemetry }),
    });
    queue.on('error', (error) => this.logger.debug({ err: error, queue: name }, 'queue'));
    this.queues.set(name, queue);
    return queue;
  }
}

function jobIdOf({ executionId, enqueueNumber }: ExecutionJob): string {
  return `${executionId}.${enqueueNumber}`;
}

/**
 * BullMQ waits for a lost connection without end; a late success does no harm, since a job's id
 * makes it one.
 */
function withDeadline<T>(call: Promise<T>): Promise<T> {
  return within(ENQUEUE_DEADLINE_MS, call, () => {
    throw new Error(`the job queue did not answer within ${ENQUEUE_DEADLINE_MS} ms`);
  });
}
