import { Injectable } from '@nestjs/common';
import { WorkersRepository } from '../../workers/workers.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StoredReason } from '../record/stored-state.js';
import { queueBlocker } from './queue-explanation.js';

/** What executions wait for now; `explain` says the same, and more. */
@Injectable()
export class ExecutionWaits {
  constructor(private readonly workers: WorkersRepository) {}

  /** Null: it does not wait, or for nothing but its turn. One short look at the workers. */
  async of({
    status,
    queue,
    reason,
  }: Pick<ExecutionRecord, 'status' | 'queue' | 'reason'>): Promise<StoredReason | null> {
    if (status === 'waiting') return reason;
    if (status !== 'pending') return null;
    return queueBlocker(queue, await this.workers.live()) ?? null;
  }
}
