import { settledWithin } from '../../common/async/within.js';
import { type ExecutionJob, type JobConsumer, type JobHandler, JobQueue } from './job-queue.js';

const PUT_BACK_DELAY_MS = 20;

/** The port in memory, for tests: jobs in the order they came. */
export class MemoryJobQueue extends JobQueue {
  private readonly queued = new Map<string, ExecutionJob[]>();
  private readonly known = new Set<string>();
  private readonly consumers = new Set<MemoryJobConsumer>();

  enqueue(queue: string, job: ExecutionJob): Promise<void> {
    const id = identity(queue, job);
    if (!this.known.has(id)) {
      this.known.add(id);
      this.list(queue).push(job);
      this.wake();
    }
    return Promise.resolve();
  }

  /** Nothing is dropped here, and its delays are no times of a clock. */
  renew(queue: string, job: ExecutionJob): Promise<void> {
    return this.enqueue(queue, job);
  }

  waiting(queue: string): Promise<number> {
    return Promise.resolve(this.list(queue).length);
  }

  consume(concurrency: number, handler: JobHandler): JobConsumer {
    const consumer = new MemoryJobConsumer(this, concurrency, handler);
    this.consumers.add(consumer);
    return consumer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close(0)));
  }

  take(queues: readonly string[]): { queue: string; job: ExecutionJob } | undefined {
    for (const queue of queues) {
      const job = this.list(queue).shift();
      if (job) return { queue, job };
    }
    return undefined;
  }

  ended(queue: string, job: ExecutionJob): void {
    this.known.delete(identity(queue, job));
  }

  private list(queue: string): ExecutionJob[] {
    let list = this.queued.get(queue);
    if (!list) this.queued.set(queue, (list = []));
    return list;
  }

  private wake(): void {
    for (const consumer of this.consumers) consumer.pump();
  }
}

class MemoryJobConsumer implements JobConsumer {
  private queues: readonly string[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private paused = false;

  constructor(
    private readonly store: MemoryJobQueue,
    private readonly concurrency: number,
    private readonly handler: JobHandler,
  ) {}

  get running(): number {
    return this.underWay.size;
  }

  setQueues(queues: readonly string[]): void {
    this.queues = queues;
    this.pump();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.pump();
  }

  async close(graceMs: number): Promise<void> {
    this.paused = true;
    await settledWithin(graceMs, [...this.underWay]);
  }

  pump(): void {
    while (!this.paused && this.running < this.concurrency) {
      const taken = this.store.take(this.queues);
      if (!taken) return;
      const work = this.process(taken.queue, taken.job).finally(() => {
        this.underWay.delete(work);
        this.pump();
      });
      this.underWay.add(work);
    }
  }

  private async process(queue: string, job: ExecutionJob): Promise<void> {
    const outcome = await this.handler(job, queue);
    this.store.ended(queue, job);
    if (outcome === 'put_back') {
      setTimeout(() => void this.store.enqueue(queue, job), PUT_BACK_DELAY_MS);
    }
  }
}

function identity(queue: string, job: ExecutionJob): string {
  return `${queue}/${job.executionId}.${job.enqueueNumber}`;
}
