import { Injectable } from '@nestjs/common';
import { isUuid } from '../../common/ids/uuid.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ENDED, ExecutionListsRepository, LIVE } from '../record/execution-lists.repository.js';
import type { BadgeState } from './badge.js';

/** What status badges show. */
@Injectable()
export class BadgesService {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly lists: ExecutionListsRepository,
  ) {}

  /**
   * How the newest execution that is over ended; before there is one, what the newest does. Any
   * text may be asked for.
   */
  async stateOf(pipelineId: string, branch: string | undefined): Promise<BadgeState> {
    const id = pipelineId.toLowerCase();
    if (!isUuid(id) || !(await this.pipelines.exists(id))) return 'unknown';
    for (const status of [ENDED, LIVE]) {
      const [newest] = await this.lists.list({ pipelineId: id, branch, status }, 1, undefined);
      if (newest) return newest.status;
    }
    return 'no_runs';
  }
}
