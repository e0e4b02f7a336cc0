import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import type { ExecutionTracesRepository } from './execution-traces.repository.js';

/** The values of every part of the `when`s of an execution. */
export class TracesPart extends ExecutionPart {
  readonly name = 'traces';

  constructor(private readonly traces: ExecutionTracesRepository) {
    super();
  }

  async remove(executions: readonly RemovedExecution[]): Promise<void> {
    const known = executions.flatMap(({ id, attempts }) =>
      attempts === undefined ? [] : [{ id, attempts }],
    );
    if (known.length > 0) await this.traces.deleteAttempts(known);
    for (const { id, attempts } of executions) {
      if (attempts === undefined) await this.traces.deleteExecution(id);
    }
  }

  async firstExecution(before: string): Promise<string | undefined> {
    return this.traces.firstExecution(before);
  }
}
