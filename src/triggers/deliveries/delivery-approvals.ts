import { Injectable } from '@nestjs/common';
import type { Changed } from '../../common/audit/changed.js';
import { conflict, notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { type Approver, refuseApprover } from '../../repositories/fork-approval.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import type { DeliveryDocument, StoredDecision } from './delivery.schema.js';
import { DeliveryJobs } from './delivery-jobs.js';
import { decisionsOf } from './dto/delivery.response.js';
import { noDelivery } from './delivery-inbox.js';

/** What is approved: the run of one pipeline, at the commit that the approver has looked at. */
export interface ApprovalRequest {
  readonly pipelineId: string;
  readonly commit: string;
}

/**
 * Approvals of runs that somebody outside has asked for. One approval is one run of one commit:
 * what is pushed next is another delivery, which waits for its own.
 */
@Injectable()
export class DeliveryApprovals {
  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly jobs: DeliveryJobs,
    private readonly repositories: RepositoriesService,
  ) {}

  /**
   * Starts what waited for it; a second approval of the same answers the same execution.
   * @returns id of the execution
   * @throws MillraceError NotFoundError; ConflictError: nothing waits, or at another commit;
   *   AuthorizationError: the approver is the author, or none of those whom the connection names
   */
  async approve(id: string, request: ApprovalRequest, by: Approver): Promise<Changed<string>> {
    for (;;) {
      const delivery = await this.deliveries.find(id);
      if (!delivery) throw noDelivery(id);
      const decisions = decisionsOf(delivery);
      const decision = decisions.find(({ pipeline_id }) => pipeline_id === request.pipelineId);
      if (!decision) throw notFound('decision', `for pipeline ${request.pipelineId}`);
      if (decision.reason.code === 'fork_approved' && sameCommit(decision, request)) {
        const { execution_id: earlier } = decision;
        if (earlier !== null) return { value: earlier, isChanged: false };
      }
      refuse(decision, request);
      const { repository_id: repositoryId } = delivery;
      const repository =
        repositoryId === null ? undefined : await this.repositories.find(repositoryId);
      refuseApprover(repository, authorOf(decision), by);
      const executionId = uuidV7();
      const approved = decisions.map((each) =>
        each === decision ? approvedDecision(decision, executionId, by) : each,
      );
      if (await this.store(delivery, approved)) {
        await this.jobs.offer(id);
        return { value: executionId, isChanged: true };
      }
    }
  }

  /** False: somebody else has changed it. */
  private store(delivery: DeliveryDocument, decisions: StoredDecision[]): Promise<boolean> {
    return this.deliveries.redecide(delivery, JSON.stringify(decisions));
  }
}

function sameCommit({ reason }: StoredDecision, { commit }: ApprovalRequest): boolean {
  return reason.data?.['commit'] === commit;
}

function refuse(decision: StoredDecision, request: ApprovalRequest): void {
  const { reason } = decision;
  if (reason.code !== 'fork_needs_approval') {
    throw conflict(`Nothing waits for an approval there: ${reason.message}`, {
      details: { reason: reason.code },
    });
  }
  if (!sameCommit(decision, request)) {
    throw otherCommit(reason.data?.['commit'] ?? null);
  }
}

function authorOf({ reason }: StoredDecision): string | null {
  const id = reason.data?.['author_user_id'];
  return typeof id === 'string' ? id : null;
}

function approvedDecision(
  decision: StoredDecision,
  executionId: string,
  by: Approver,
): StoredDecision {
  const commit = String(decision.reason.data?.['commit']);
  return {
    ...decision,
    starts: true,
    execution_id: executionId,
    reason: {
      code: 'fork_approved',
      message: `${by.name ?? by.id} has approved the run of commit ${commit.slice(0, 12)}.`,
      data: { ...decision.reason.data, approved_by: by.id, approved_at: new Date().toISOString() },
    },
  };
}

/** 409 @param commit that of the delivery */
export function otherCommit(commit: unknown): MillraceError {
  return conflict('The approval is for another commit than the delivery.', {
    details: { commit },
    suggestions: ['Look at the commit of this delivery, then approve that one.'],
  });
}
