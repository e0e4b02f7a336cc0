import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import type { LogChunkStore } from './log-chunk-store.js';

/** The log of an execution, every attempt of it. */
export class LogPart extends ExecutionPart {
  readonly name = 'log';

  constructor(private readonly chunks: LogChunkStore) {
    super();
  }

  async remove(executions: readonly RemovedExecution[]): Promise<void> {
    await this.chunks.deleteExecutions(executions.map(({ id }) => id));
  }

  async firstExecution(before: string): Promise<string | undefined> {
    return this.chunks.firstExecution(before);
  }
}
