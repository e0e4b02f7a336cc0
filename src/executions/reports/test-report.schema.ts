import { Schema } from 'mongoose';
import type { TestFailure } from '../../common/junit/test-report.js';
import type { TestCounts } from '../../common/values/test-counts.js';

export const TEST_REPORT_MODEL = 'TestReport';

/** A case that took long. */
export interface SlowCase {
  readonly suite: string;
  readonly class_name: string;
  readonly name: string;
  readonly seconds: number;
}

/** What the tests of one try of a step said, as it is stored. */
export interface TestReportDocument {
  /** `<execution>/<execution attempt>/<hash of stage, step and try>` */
  readonly _id: string;
  readonly execution_id: string;
  readonly pipeline_id: string;
  readonly stage: string;
  readonly step: string;
  /** Of the execution, from 1. */
  readonly execution_attempt: number;
  /** Of the step in it, from 1. */
  readonly attempt: number;
  /** Full hash; null: none is known. */
  readonly commit: string | null;
  /** It ran what a pull request of another repository holds. */
  readonly is_fork: boolean;
  readonly created_at: Date;
  /** That were read; none: the counts say nothing. Absent in older ones, which had files. */
  readonly files?: number;
  /** What was not read, and why, masked: at most 11 lines. Absent in older ones. */
  readonly problems?: readonly string[];
  readonly counts: TestCounts;
  readonly failures: readonly TestFailure[];
  readonly unlisted_failures: number;
  readonly slowest: readonly SlowCase[];
  /** How each case ended, packed: see `packOutcomes`. */
  readonly outcomes: Buffer;
}

export const testReportSchema = new Schema(
  {
    _id: { type: String, required: true },
    execution_id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    created_at: { type: Date, required: true },
  },
  {
    collection: 'test_reports',
    versionKey: false,
    id: false,
    strict: false,
    strictQuery: false,
    minimize: false,
  },
).index({ pipeline_id: 1, created_at: -1 });
