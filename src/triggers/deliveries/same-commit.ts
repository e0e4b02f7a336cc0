import { Injectable } from '@nestjs/common';
import { EVENT_KINDS } from '../../integrations/forge/forge-event.js';
import type { DeliveryDocument } from './delivery.schema.js';
import { decisionsOf, type SameCommitResponse } from './dto/delivery.response.js';
import { CommitStatusesRepository } from '../statuses/commit-statuses.repository.js';
import { contextOf } from '../statuses/status-of.js';

/**
 * Finds what else ran for the commit of a delivery: a push rule and a pull request rule that fit
 * one commit make two executions. Known by the statuses of the commit, so only of forges that get
 * some.
 */
@Injectable()
export class SameCommitExecutions {
  constructor(private readonly statuses: CommitStatusesRepository) {}

  /** For each decision of the delivery, in their order. */
  async of(delivery: DeliveryDocument): Promise<SameCommitResponse[][]> {
    const { repository_id: repositoryId, subject } = delivery;
    const commit = subject?.commit ?? null;
    const decisions = decisionsOf(delivery);
    if (repositoryId === null || commit === null || decisions.length === 0) return [];
    const found = await this.statuses.ofCommit(repositoryId, commit);
    return decisions.map(({ pipeline_name: name, execution_id: own }) =>
      EVENT_KINDS.flatMap((event) => {
        const context = contextOf(name, event);
        const id = found.find((status) => status.context === context)?.execution_id ?? own;
        return id === own || id === null ? [] : [{ event, execution_id: id }];
      }),
    );
  }
}
