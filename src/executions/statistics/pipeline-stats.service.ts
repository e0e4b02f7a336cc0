import { Injectable } from '@nestjs/common';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import {
  ExecutionListsRepository,
  type FinishedExecution,
} from '../record/execution-lists.repository.js';
import { type PipelineStats, pipelineStats } from './pipeline-stats.js';

const DAY_MS = 86_400_000;
/** Executions that are looked at, the newest ones. */
export const STATS_EXECUTIONS = 1_000;
/** And no more once they have this many steps: one answer must not hold up all others. */
const STATS_STEPS = 50_000;
const BATCH = 200;

/** Statistics, with what they were made from. */
export interface PipelineReport extends PipelineStats {
  readonly from: Date;
  readonly looked_at: number;
  /** True: the window holds more than was looked at. */
  readonly cut: boolean;
}

/** How a pipeline did lately. */
@Injectable()
export class PipelineStatsService {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly lists: ExecutionListsRepository,
  ) {}

  /**
   * From its newest finished executions that were accepted in the last `days`; at most 1,000, and
   * fewer when they have very many steps.
   * @throws NotFoundError
   */
  async report(pipelineId: string, days: number): Promise<PipelineReport> {
    await this.pipelines.getHead(pipelineId);
    const from = new Date(Date.now() - days * DAY_MS);
    const { finished, cut } = await this.newest(pipelineId, firstUuidAt(from.getTime()));
    return { from, looked_at: finished.length, cut, ...pipelineStats(finished) };
  }

  private async newest(
    pipelineId: string,
    from: string,
  ): Promise<{ finished: FinishedExecution[]; cut: boolean }> {
    const finished: FinishedExecution[] = [];
    let steps = 0;
    for (;;) {
      const left = STATS_EXECUTIONS - finished.length;
      const limit = Math.min(BATCH, left) + 1;
      const before = finished.at(-1)?._id;
      const batch = await this.lists.finished({ pipelineId }, { limit, before, from });
      const more = batch.length === limit;
      if (more) batch.pop();
      finished.push(...batch);
      steps += batch.reduce((sum, { stages }) => sum + stepCount(stages), 0);
      if (!more) return { finished, cut: false };
      if (finished.length >= STATS_EXECUTIONS || steps >= STATS_STEPS)
        return { finished, cut: true };
    }
  }
}

function stepCount(stages: FinishedExecution['stages']): number {
  return stages.reduce((sum, { steps }) => sum + steps.length, 0);
}
