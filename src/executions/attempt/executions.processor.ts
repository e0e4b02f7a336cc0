import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { NewestAnswer } from '../../common/async/newest-answer.js';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { endUnasked } from '../../common/end-unasked.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { EngineWatch } from '../../integrations/container-runtime/engine-watch.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import {
  type JobConsumer,
  type JobOutcome,
  JobQueue,
} from '../../integrations/job-queue/job-queue.js';
import { MachineWatch } from '../../workers/machine-watch.js';
import { drainRefusal } from '../../workers/seen-worker.js';
import { WorkerDuties } from '../../workers/worker-duties.js';
import { WorkerLease } from '../../workers/worker-lease.js';
import type { WorkerMachine, WorkerRefusal } from '../../workers/worker.schema.js';
import { needsEngine, servesQueue } from '../placement/execution-queue.js';
import { CANCEL_TOPIC, QUEUE_TOPIC } from '../placement/execution-topics.js';
import { QueuesRepository } from '../placement/queues.repository.js';
import { executionReasons } from '../record/execution-reasons.js';
import { ExecutionRunner } from './execution-runner.js';
import { LeftContainers } from './left-containers.js';
import { LeftFolders } from './left-folders.js';
import { RunningAttempts } from './running-attempts.js';

/** How long executions under way may take to end by themselves when the worker is stopped. */
const DRAIN_MS = 20_000;
/** How long interrupted executions may take: TERM, 8 s, KILL, and their last words. */
const INTERRUPT_MS = 12_000;
/** The machine is looked at so often, so that no job waits for it, ms. */
const LOOK_EVERY_MS = 500;
/** A look that is older, since the event loop stood still, is worth nothing, ms. */
const LOOK_GOOD_MS = 1_000;

/** Takes jobs and gives them to the runner, for as long as this worker lives. */
@Injectable()
export class ExecutionsProcessor {
  private readonly logger = new Logger(ExecutionsProcessor.name);
  private consumer: JobConsumer | undefined;
  private readonly duties = new WorkerDuties((duty, error) => {
    this.logger.debug({ err: error, duty }, 'duty failed; the next renewal tries again');
  });
  private refusal: WorkerRefusal | null = null;
  private draining = false;
  private isLost = false;
  private refreshedAt = -Infinity;
  /** The timer, the renewal of the lease and a job may look at once. */
  private readonly seen = new NewestAnswer(() => this.machine.look());
  private readonly looks = new PeriodicTask(() => this.lookAgain(), {
    everyMs: LOOK_EVERY_MS,
    unref: true,
  });
  private readonly subscriptions: (() => void)[] = [];

  constructor(
    private readonly config: MillraceConfig,
    private readonly jobs: JobQueue,
    private readonly queues: QueuesRepository,
    private readonly bus: EventBus,
    private readonly lease: WorkerLease,
    private readonly machine: MachineWatch,
    private readonly engine: EngineWatch,
    private readonly runner: ExecutionRunner,
    private readonly running: RunningAttempts,
    private readonly leftFolders: LeftFolders,
    private readonly leftContainers: LeftContainers,
  ) {}

  /**
   * Registers the worker and begins to take executions; to be called once everything else is up.
   */
  async start(): Promise<void> {
    this.lease.whenLost(() => this.becomeLost());
    let machine = await this.inspectMachine();
    this.addDuties();
    this.duties.add('machine', async () => {
      machine = await this.inspectMachine();
      this.applyRefusal();
    });
    this.lease.whenRenewing(() => this.duties.begin());
    await this.lease.start(() => ({
      executions: this.running.ids,
      machine,
      refusal: this.refusal,
    }));
    this.consumer = this.jobs.consume(this.config.workerConcurrency, (job, queue) =>
      this.process(job.executionId, queue),
    );
    this.subscriptions.push(
      this.bus.subscribe(CANCEL_TOPIC, (id) => this.look(id)),
      this.bus.subscribe(QUEUE_TOPIC, () => void this.openQueues()),
    );
    this.engine.whenChanged(() => void this.openQueues());
    this.looks.start();
    this.applyRefusal();
    await this.openQueues();
  }

  /** Takes nothing more; gives what runs 20 s to end, then hands it to other workers. */
  async stop(): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    for (const unsubscribe of this.subscriptions) unsubscribe();
    this.consumer?.pause();
    // Not waited for: a look at a file system that hangs never ends.
    void this.looks.stop();
    await this.lease.drain();
    await this.idleWithin(DRAIN_MS);
    this.running.interruptAll(executionReasons.workerStopped(this.lease.name));
    await this.consumer?.close(INTERRUPT_MS);
    await this.lease.stop();
    await this.runner.close();
  }

  private async process(executionId: string, queue: string): Promise<JobOutcome> {
    // A step may have filled the disk meanwhile.
    if (performance.now() - this.refreshedAt > LOOK_GOOD_MS) {
      await this.inspectMachine();
      this.applyRefusal();
    }
    if (this.draining || this.isLost || this.refusal) return 'put_back';
    // An engine that is gone is found by its next look, and by whoever is about to need it.
    if (needsEngine(queue) && !(await this.engine.isThereNow())) return 'put_back';
    return this.runner.run(executionId, this.lease);
  }

  /**
   * At every renewal of the lease: what the database says of our executions, new queues, folders of
   * dead attempts.
   */
  private addDuties(): void {
    this.duties.add('cancels', () => this.running.check());
    this.duties.add('orphans', () => this.runner.recoverOrphans(this.lease.id));
    this.duties.add('queues', () => this.openQueues());
    this.duties.add('folders', () => this.leftFolders.remove());
    this.duties.add('containers', () => this.leftContainers.remove());
  }

  private async inspectMachine(): Promise<WorkerMachine> {
    const { machine, refusal } = await this.seen.ask();
    this.refreshedAt = performance.now();
    const request = this.lease.drainRequest;
    this.refusal = request ? drainRefusal(request) : refusal;
    return machine;
  }

  private async lookAgain(): Promise<void> {
    try {
      await this.inspectMachine();
      this.applyRefusal();
    } catch (error) {
      this.logger.debug({ err: error }, 'machine not looked at; the next job does it');
    }
  }

  private applyRefusal(): void {
    if (this.draining || this.isLost) return;
    if (this.refusal) this.consumer?.pause();
    else this.consumer?.resume();
  }

  private async openQueues(): Promise<void> {
    if (this.draining) return;
    try {
      const names = await this.queues.names();
      this.consumer?.setQueues(names.filter((name) => servesQueue(this.lease.labels, name)));
    } catch (error) {
      this.logger.debug({ err: error }, 'queues not read; the next renewal reads them');
    }
  }

  /** A hint: `resync` means that hints may have been missed. */
  private look(executionId: string): void {
    const ids = executionId === 'resync' ? undefined : [executionId];
    this.running.check(ids).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'cancel not read; the next renewal reads it');
    });
  }

  /**
   * This life of the process is over: it ends in its ordered way, and whoever supervises it starts
   * another.
   */
  private becomeLost(): void {
    this.isLost = true;
    this.consumer?.pause();
    this.running.fenceAll();
    endUnasked();
  }

  private async idleWithin(ms: number): Promise<void> {
    const giveUpAt = performance.now() + ms;
    while (this.running.count > 0 && performance.now() < giveUpAt) await sleep(50);
  }
}
