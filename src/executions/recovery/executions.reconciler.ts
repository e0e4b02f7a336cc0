import { Injectable } from '@nestjs/common';
import { SeenSince } from '../../common/async/seen-since.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { WorkerObserver } from '../../workers/worker-observer.js';
import { WorkersRepository } from '../../workers/workers.repository.js';
import { ContinueExecution } from '../approvals/continue-execution.js';
import { KeptWorkspaces } from '../suspension/kept-workspaces.js';
import { EndExecution } from '../ending/end-execution.js';
import { cancelledSettlement } from '../ending/settlements.js';
import { OutboxRelay } from '../outbox/outbox-relay.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import {
  ExecutionListsRepository,
  type LiveExecution,
} from '../record/execution-lists.repository.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { ExecutionRecovery } from './execution-recovery.js';

const INTERVAL_MS = 5_000;
/**
 * A job that was just made is on its way; older pending executions may have lost theirs. By the
 * clock of whoever queued it, or by our own.
 */
const GRACE_MS = 5_000;
/** Oldest first; the rest waits for the next round. */
const MOST_AT_ONCE = 500;
/** Looking at a job costs a round trip more than offering it. */
const MOST_RENEWED = 100;

/**
 * Keeps the promise that an accepted execution ends, in every process and without a leader: all
 * that it does is idempotent. It makes the jobs that are missing, recovers executions from workers
 * that are lost, ends waits whose time is over, and has news told that nobody told.
 */
@Injectable()
export class ExecutionsReconciler extends BackgroundRounds {
  private readonly pending = new SeenSince<LiveExecution>(
    ({ _id, enqueue_number }) => `${_id}.${enqueue_number}`,
  );

  /** Up to this execution it was looked whether it keeps something. */
  private keptAfter: string | undefined;

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly placer: ExecutionPlacer,
    private readonly recovery: ExecutionRecovery,
    private readonly endings: EndExecution,
    private readonly outboxes: OutboxRelay,
    private readonly observer: WorkerObserver,
    private readonly workers: WorkersRepository,
    private readonly continuing: ContinueExecution,
    private readonly kept: KeptWorkspaces,
  ) {
    super({ everyMs: INTERVAL_MS });
  }

  protected async work(): Promise<void> {
    await Promise.all([
      this.reconcileExecutions(),
      this.outboxes.enqueueDue(),
      this.lookAtWaiting(),
      this.removeKept(),
    ]);
  }

  private async reconcileExecutions(): Promise<void> {
    await this.observer.observe();
    const live = await this.lists.live(['pending', 'running'], MOST_AT_ONCE);
    await this.recoverFromLostWorkers(live.filter(({ status }) => status === 'running'));
    await this.offerAgain(live.filter(({ status }) => status === 'pending'));
  }

  /** People may take weeks, so only those are looked at that are due. */
  private async lookAtWaiting(): Promise<void> {
    for (const id of await this.lists.dueWaiting(new Date(), MOST_RENEWED)) {
      await this.continuing.lookAt(id);
    }
  }

  private async removeKept(): Promise<void> {
    const page = await this.lists.keepingWorkspaces(this.keptAfter, MOST_AT_ONCE);
    this.keptAfter = page.length < MOST_AT_ONCE ? undefined : page.at(-1)?._id;
    for (const { _id: id } of page.filter(({ status }) => isTerminal(status))) {
      await this.kept.removeOf(id);
      await this.executions.noteKeepsNothing(id);
    }
  }

  private async recoverFromLostWorkers(running: readonly LiveExecution[]): Promise<void> {
    const holders = new Set(running.map(holderOf));
    const live = await this.workers.liveAmong([...holders]);
    for (const execution of running) {
      const holder = holderOf(execution);
      if (!live.has(holder)) await this.recovery.recoverFromLostWorker(execution._id, holder);
    }
  }

  private async offerAgain(pending: readonly LiveExecution[]): Promise<void> {
    const late = new Set(this.lateAmong(pending));
    let renewed = 0;
    for (const execution of pending) {
      if (execution.cancel_requested) {
        const whole = await this.executions.find(execution._id);
        if (whole) await this.endings.end({ executionId: whole._id }, cancelledSettlement(whole));
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
    const oldest = Date.now() - GRACE_MS;
    const ages = this.pending.ages(pending);
    return pending.filter(
      ({ queued_at }, index) => queued_at.getTime() < oldest || (ages[index] ?? 0) >= GRACE_MS,
    );
  }
}

function holderOf(execution: LiveExecution): string {
  return execution.placements.at(-1)?.worker_id ?? '';
}
