import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { TEST_REPORT_MODEL, type TestReportDocument } from './test-report.schema.js';
import { TestReportSink } from './test-report-sink.js';

const SAVE_DEADLINE_MS = 15 * 60_000;
const REQUEST_DEADLINE_MS = 3_000;

export type TestReportSummary = Omit<TestReportDocument, 'outcomes'>;

const COUNTED = {
  ...{ pipeline_id: 1, stage: 1, step: 1, commit: 1, is_fork: 1, execution_id: 1 },
  ...{ execution_attempt: 1, attempt: 1, created_at: 1, outcomes: 1, _id: 0 },
} as const;

/** Of a report what tells how its cases ended. */
export type CountedReport = Pick<TestReportDocument, Exclude<keyof typeof COUNTED, '_id'>>;

/** `test_reports`: one document for each try of a step with `reports`. */
@Injectable()
export class TestReportsRepository extends TestReportSink {
  /** The driver's collection: its binary is a Buffer. */
  private readonly reports: Collection<TestReportDocument>;

  constructor(@InjectModel(TEST_REPORT_MODEL) model: Model<TestReportDocument>) {
    super();
    this.reports = model.db.collection<TestReportDocument>(model.collection.name);
  }

  /** One that is there stays. Waits for a database that is away, until the signal. */
  async insert(report: TestReportDocument, signal: AbortSignal): Promise<void> {
    await databaseRetry(
      async () => {
        try {
          await this.reports.insertOne(report);
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
      },
      { deadlineMs: SAVE_DEADLINE_MS, signal },
    );
  }

  /** In the order of the attempts. */
  ofExecution(executionId: string): Promise<TestReportSummary[]> {
    return databaseRetry(
      () =>
        this.reports
          .find({ _id: rangeOf(executionId) })
          .project<TestReportSummary>({ outcomes: 0 })
          .sort({ created_at: 1 })
          .toArray(),
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
  }

  /**
   * The newest first, read one by one: none of what a pull request of another repository ran, and
   * none of which no file was read.
   */
  async *newestCounted(
    pipelineId: string,
    limit: number,
  ): AsyncGenerator<CountedReport, void, void> {
    const ids = await databaseRetry(
      () =>
        this.reports
          .find({ pipeline_id: pipelineId, is_fork: false, files: { $ne: 0 } })
          .project<{ _id: string }>({ _id: 1 })
          .sort({ created_at: -1 })
          .limit(limit)
          .toArray(),
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
    for (const { _id } of ids) {
      const options = { projection: COUNTED, promoteBuffers: true };
      const report = await databaseRetry(() => this.reports.findOne({ _id }, options), {
        deadlineMs: REQUEST_DEADLINE_MS,
      });
      // Its execution may have been removed meanwhile.
      if (report !== null) yield report;
    }
  }

  async removeExecution(executionId: string): Promise<void> {
    await databaseRetry(() => this.reports.deleteMany({ _id: rangeOf(executionId) }), {
      deadlineMs: REQUEST_DEADLINE_MS,
    });
  }

  /** The first execution, in the order of ids, of which there are reports, below `before`. */
  async firstExecution(before: string): Promise<string | undefined> {
    const found = await databaseRetry(
      () =>
        this.reports
          .find({ _id: { $lt: before } })
          .project<{ execution_id: string }>({ execution_id: 1 })
          .sort({ _id: 1 })
          .limit(1)
          .toArray(),
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
    return found[0]?.execution_id;
  }
}

/** Ids of an execution. `0` is what follows `/`. */
function rangeOf(executionId: string): { readonly $gt: string; readonly $lt: string } {
  return { $gt: `${executionId}/`, $lt: `${executionId}0` };
}
