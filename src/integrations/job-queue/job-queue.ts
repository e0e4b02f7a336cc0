/** A hint that an execution may be started; the database decides whether it really may. */
export interface ExecutionJob {
  readonly executionId: string;
  /** How often this execution was enqueued before; part of the job's identity. */
  readonly enqueueNumber: number;
}

/**
 * What became of a job: `done` removes it, `put_back` offers it again to any worker after a moment.
 */
export type JobOutcome = 'done' | 'put_back';

/** @param queue in which the job was */
export type JobHandler = (job: ExecutionJob, queue: string) => Promise<JobOutcome>;

/** Takes jobs from several queues with one pool of slots over all of them. */
export interface JobConsumer {
  /**
   * Opens queues that are new, closes those that are not named any more: jobs of theirs that are
   * under way end as others do. Idempotent.
   */
  setQueues(queues: readonly string[]): void;
  /** Takes no further jobs; those under way continue. Idempotent. */
  pause(): void;
  resume(): void;
  /** Jobs under way now. */
  readonly running: number;
  /**
   * Takes no further jobs and waits for those under way at most `graceMs`; then lets go of them.
   * Idempotent.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * Port: brings executions to workers. Adapters: BullMQ, and in memory for tests.
 *
 * Every method may be called concurrently. A job may be delivered more than once, and may be lost
 * when the queue's store is lost; both are the caller's to survive.
 */
export abstract class JobQueue {
  /**
   * Offers a job. The same (execution, number) offered twice while it is queued or under way is one
   * job. Rejects within 2 s when the queue is away.
   */
  abstract enqueue(queue: string, job: ExecutionJob): Promise<void>;
  /**
   * Offers a job that may be lost, for whoever has waited too long for it. As `enqueue`, but a rest
   * of it that no consumer sees (a store that dropped some of its keys) is replaced, and what was
   * put back is offered at once: the moment of that is by the clock of whoever put it back, which
   * may be wrong by hours. Rejects within 2 s when the queue is away.
   */
  abstract renew(queue: string, job: ExecutionJob): Promise<void>;
  /** Jobs that nobody took yet. Rejects within 2 s when the queue is away. */
  abstract waiting(queue: string): Promise<number>;
  /**
   * At most `concurrency` handlers run at once. A handler must not reject; if it does, the job is
   * dropped and logged.
   */
  abstract consume(concurrency: number, handler: JobHandler): JobConsumer;
  abstract close(): Promise<void>;
}
