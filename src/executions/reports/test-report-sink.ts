import type { TestReportDocument } from './test-report.schema.js';

/** Port: takes reports. Adapters: the database, and nothing at all for `millrace run`. */
export abstract class TestReportSink {
  /**
   * One that is there stays. Idempotent. The signal ends the wait for a store that is away.
   */
  abstract insert(report: TestReportDocument, signal: AbortSignal): Promise<void>;
}
