import { Injectable } from '@nestjs/common';
import { Counters } from '../../integrations/counters/counters.js';
import { ExecutionsRepository } from '../record/executions.repository.js';

/**
 * Numbers of executions, counted for each pipeline from 1. The store decides that none is given
 * twice; the counter is what makes that fast, and may be lost. A number that was given may stay
 * without an execution.
 */
@Injectable()
export class ExecutionNumbers {
  constructor(
    private readonly counters: Counters,
    private readonly executions: ExecutionsRepository,
  ) {}

  /**
   * The number that is probably the next one; `taken`: what was given before, and is another
   * execution's. Rejects only with the store.
   */
  async next(pipelineId: string, taken?: number): Promise<number> {
    const name = ['executions', pipelineId];
    const counted = taken === undefined ? await this.counters.next(name) : undefined;
    // 1 also says that the counter was lost.
    if (counted !== undefined && counted > 1) return counted;
    const newest = Math.max(taken ?? 0, await this.executions.newestNumber(pipelineId));
    if (counted !== undefined && counted > newest) return counted;
    return (await this.counters.next(name, newest)) ?? newest + 1;
  }
}
