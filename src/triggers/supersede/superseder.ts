import { Injectable } from '@nestjs/common';
import type { Supersede } from '../../engine/plan/plan.js';
import { ExecutionListsRepository } from '../../executions/record/execution-lists.repository.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { ExecutionSummary } from '../../executions/record/execution-lists.repository.js';
import { CancelForEvent } from './cancel-for-event.js';
import { type EventOf, isNewer, laneOf } from './newer-event.js';

/** Executions of the pipeline that are looked at, the newest. */
const LOOKED_AT = 100;
const BY = 'a newer event';

/**
 * Where a pipeline says `supersede`, of the executions of one branch or pull request only that of
 * the newest event stays. Every process that accepts one looks at all that are there, itself
 * included, so of events that come at once exactly one stays.
 */
@Injectable()
export class Superseder {
  constructor(
    private readonly lists: ExecutionListsRepository,
    private readonly cancels: CancelForEvent,
  ) {}

  /** After `id` was accepted. Idempotent; rejects with the database. */
  async supersede(pipelineId: string, id: string, which: Supersede): Promise<void> {
    const all = await this.lists.list({ pipelineId }, LOOKED_AT, undefined);
    const own = all.find(({ _id }) => _id === id);
    const lane = own && laneOf(own.trigger_info);
    if (lane === undefined) return;
    const ofLane = all.filter(({ trigger_info: info }) => laneOf(info) === lane);
    const known = ofLane.map(eventOf);
    const newest = known.reduce((best, each) => (isNewer(each, best, known) ? each : best));
    const winner = ofLane.find(({ _id }) => _id === newest.id);
    for (const execution of ofLane) {
      if (execution === winner || isTerminal(execution.status)) continue;
      if (which === 'waiting' && execution.status === 'running') continue;
      await this.cancel(execution, winner);
    }
  }

  private async cancel(
    execution: ExecutionSummary,
    winner: ExecutionSummary | undefined,
  ): Promise<void> {
    const name = `${winner?.pipeline_name ?? ''}#${winner?.number ?? winner?._id ?? ''}`;
    const { commit_hash: commit } = winner?.trigger_info ?? {};
    const why = `superseded by ${name}${commit === undefined ? '' : `, commit ${commit.slice(0, 12)}`}`;
    const details = { superseded_by: winner?._id ?? null };
    await this.cancels.cancel(execution, { by: BY, reason: why, details });
  }
}

function eventOf({ _id: id, trigger_info: trigger }: ExecutionSummary): EventOf {
  return { id, trigger };
}
