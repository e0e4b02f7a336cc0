import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { WorkerObserver } from '../../workers/worker-observer.js';
import { WorkersRepository } from '../../workers/workers.repository.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import {
  ExecutionListsRepository,
  LIVE,
  type LiveExecution,
} from '../record/execution-lists.repository.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { cancelledRun } from './abandoned-run.js';
import { ExecutionTakeover } from './execution-takeover.js';

const INTERVAL_MS = 5_000;
/** A job that was just made is on its way; older pending executions may have lost theirs. By the clock of whoever queued it, or by our own. */
const GRACE_MS = 5_000;
/** Oldest first; the rest waits for the next round. */
const MOST_AT_ONCE = 500;
/** Looking at a job costs a round trip more than offering it. */
const MOST_RENEWED = 100;

/**
 * Keeps the promise that an accepted execution ends, in every process and without a leader: all that it does is
 * idempotent. It makes the jobs that are missing and takes executions from workers that are lost.
 */
@Injectable()
export class ExecutionsReconciler implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ExecutionsReconciler.name);
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private round: Promise<void> = Promise.resolve();
  /** Since when, monotonic, an enqueueing was seen to be pending: clocks of other machines may be ahead of ours by hours. */
  private pendingSince = new Map<string, number>();

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly placer: ExecutionPlacer,
    private readonly takeover: ExecutionTakeover,
    private readonly observer: WorkerObserver,
    private readonly workers: WorkersRepository,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** One round. Never rejects: what fails is tried again in the next one. */
  async reconcile(): Promise<void> {
    try {
      await this.observer.observe();
      const live = await this.lists.live(LIVE, MOST_AT_ONCE);
      await this.takeFromLostWorkers(live.filter(({ status }) => status === 'running'));
      await this.offerAgain(live.filter(({ status }) => status === 'pending'));
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.logger.debug({ err: error }, 'database away');
      else this.logger.error({ err: error }, 'reconciling failed');
    }
  }

  private schedule(): void {
    if (this.stopped) return;
    // Processes that were started together should not all look at the same moment.
    const delay = INTERVAL_MS * (0.75 + Math.random() * 0.5);
    this.timer = setTimeout(() => {
      this.round = this.reconcile().then(() => this.schedule());
    }, delay);
  }

  private async takeFromLostWorkers(running: readonly LiveExecution[]): Promise<void> {
    const holders = new Set(running.map(holderOf));
    const live = await this.workers.liveAmong([...holders]);
    for (const execution of running) {
      if (!live.has(holderOf(execution))) await this.takeover.takeFromLostWorker(execution._id);
    }
  }

  private async offerAgain(pending: readonly LiveExecution[]): Promise<void> {
    const late = new Set(this.lateAmong(pending));
    let renewed = 0;
    for (const execution of pending) {
      if (execution.cancel_requested) {
        const whole = await this.executions.find(execution._id);
        if (whole && (await this.executions.endUnplaced(whole._id, cancelledRun(whole)))) {
          this.metrics.executionFinished('cancelled', null);
        }
      } else if (late.has(execution)) {
        // The oldest should be taken first: when they are not, their jobs are looked at.
        const isOffered =
          renewed++ < MOST_RENEWED
            ? await this.placer.renew(execution)
            : await this.placer.offer(execution);
        if (!isOffered) return;
      }
    }
  }

  private lateAmong(pending: readonly LiveExecution[]): readonly LiveExecution[] {
    const now = performance.now();
    const oldest = Date.now() - GRACE_MS;
    const seen = pending.map((execution) => {
      const key = `${execution._id}.${execution.enqueue_number}`;
      return { execution, key, since: this.pendingSince.get(key) ?? now };
    });
    this.pendingSince = new Map(seen.map(({ key, since }) => [key, since]));
    return seen
      .filter(
        ({ execution, since }) => execution.queued_at.getTime() < oldest || now - since >= GRACE_MS,
      )
      .map(({ execution }) => execution);
  }
}

function holderOf(execution: LiveExecution): string {
  return execution.placements.at(-1)?.worker_id ?? '';
}
