import { Injectable } from '@nestjs/common';
import { isTerminal } from '../../engine/plan/run-status.js';
import {
  ExecutionListsRepository,
  type ExecutionSummary,
} from '../../executions/record/execution-lists.repository.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { DeliveriesRepository } from '../deliveries/deliveries.repository.js';
import type { DeliveryDocument, StoredDecision } from '../deliveries/delivery.schema.js';
import { DeliveryJobs } from '../deliveries/delivery-jobs.js';
import { decisionsOf } from '../deliveries/dto/delivery.response.js';
import { CancelForEvent } from '../supersede/cancel-for-event.js';

/** The newest executions of a pipeline, and the newest deliveries, that are looked through. */
const LOOKED_THROUGH = 200;

/** That a pull request was closed, and by which delivery. */
export interface PullRequestClosed {
  readonly delivery: DeliveryDocument;
  /** Of the pull request, in the repository of the delivery. */
  readonly number: number;
  readonly decisions: readonly StoredDecision[];
}

/**
 * Ends what a closed pull request has left: executions that wait are cancelled, those that run only
 * where their pipeline says `supersede: true`, and nothing of it can be approved any more. Opened
 * again it is a new event, with executions and approvals of its own.
 */
@Injectable()
export class ClosedPullRequests {
  constructor(
    private readonly lists: ExecutionListsRepository,
    private readonly pipelines: PipelinesService,
    private readonly deliveries: DeliveriesRepository,
    private readonly jobs: DeliveryJobs,
    private readonly cancels: CancelForEvent,
  ) {}

  /** Idempotent; rejects with the database. */
  async end(closed: PullRequestClosed): Promise<void> {
    for (const { pipeline_id: id } of closed.decisions) {
      if (id !== null) await this.cancelOf(id, closed);
    }
    await this.endApprovals(closed);
  }

  private async cancelOf(
    pipelineId: string,
    { delivery, number, decisions }: PullRequestClosed,
  ): Promise<void> {
    const own = new Set(decisions.map(({ execution_id: id }) => id));
    const all = await this.lists.list({ pipelineId }, LOOKED_THROUGH, undefined);
    for (const execution of all) {
      if (own.has(execution._id) || isTerminal(execution.status)) continue;
      if (!isOf(execution, delivery, number)) continue;
      if (execution.status === 'running' && !(await this.isSuperseded(execution))) continue;
      await this.cancels.cancel(execution, {
        by: 'the end of its pull request',
        reason: `pull request ${number} was closed`,
        details: { delivery_id: delivery._id, pull_request: number },
      });
    }
  }

  /** Whether its pipeline lets newer events cancel what runs. */
  private async isSuperseded(execution: ExecutionSummary): Promise<boolean> {
    const { pipeline_id: id, pipeline_version: number } = execution;
    return (await this.pipelines.getVersion(id, number)).plan.supersede === 'all';
  }

  private async endApprovals({ delivery, number }: PullRequestClosed): Promise<void> {
    const { repository_id: repositoryId, event, received_at: at } = delivery;
    const { items } = await this.deliveries.list(
      { event, ...(repositoryId !== null && { repositoryId }) },
      { limit: LOOKED_THROUGH },
    );
    for (const earlier of items) {
      if (earlier.received_at > at || earlier._id === delivery._id) continue;
      const decisions = decisionsOf(earlier);
      const ended = decisions.map((decision) =>
        waitsForApproval(decision, number) ? closedDecision(decision, number) : decision,
      );
      if (ended.every((decision, index) => decision === decisions[index])) continue;
      // False: somebody has approved it at this moment, or this was done already.
      if (await this.deliveries.redecide(earlier, JSON.stringify(ended))) {
        await this.jobs.offer(earlier._id);
      }
    }
  }
}

function isOf(
  { trigger_info: { trigger_type: kind, event, rerun_of }, created_at: at }: ExecutionSummary,
  delivery: DeliveryDocument,
  number: number,
): boolean {
  return (
    kind === 'pull_request' &&
    rerun_of === undefined &&
    event?.number === number &&
    event.repository_id === delivery.repository_id &&
    at <= delivery.received_at
  );
}

function waitsForApproval({ reason }: StoredDecision, number: number): boolean {
  return reason.code === 'fork_needs_approval' && reason.data?.['number'] === number;
}

function closedDecision(decision: StoredDecision, number: number): StoredDecision {
  const message = `Pull request ${number} was closed before anybody approved the run.`;
  return {
    ...decision,
    reason: { ...decision.reason, code: 'pull_request_closed', message },
  };
}
