import { Injectable } from '@nestjs/common';
import { WorkersRepository } from '../../workers/workers.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StoredReason } from '../record/stored-state.js';
import { queueBlocker } from './queue-explanation.js';

/** What pending executions wait for now; `explain` says the same, and more. */
@Injectable()
export class ExecutionWaits {
  constructor(private readonly workers: WorkersRepository) {}

  /** Null: it is not pending, or waits for nothing but its turn. One short look at the workers. */
  async of({
    status,
    queue,
  }: Pick<ExecutionRecord, 'status' | 'queue'>): Promise<StoredReason | null> {
    if (status !== 'pending') return null;
    return queueBlocker(queue, await this.workers.live()) ?? null;
  }
}
