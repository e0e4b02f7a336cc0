import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import type { TestReportsRepository } from './test-reports.repository.js';

/** What the tests of an execution said. */
export class TestReportsPart extends ExecutionPart {
  readonly name = 'test reports';

  constructor(private readonly reports: TestReportsRepository) {
    super();
  }

  async remove(executions: readonly RemovedExecution[]): Promise<void> {
    for (const { id } of executions) await this.reports.removeExecution(id);
  }

  async firstExecution(before: string): Promise<string | undefined> {
    return this.reports.firstExecution(before);
  }
}
