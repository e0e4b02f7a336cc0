import { Injectable } from '@nestjs/common';
import { type FlakyCase, flakyCases, type StepOutcomes } from '../../engine/reports/flaky.js';
import { unpackOutcomes } from './case-outcomes.js';
import type { TestReportDocument } from './test-report.schema.js';
import { TestReportsRepository } from './test-reports.repository.js';

/** Reports that are looked at: of the last tries of steps. */
const REPORTS = 100;

export interface PipelineTests {
  /** How many reports were looked at, and since when. */
  readonly reports: number;
  readonly since: Date | undefined;
  readonly flaky: readonly FlakyCase[];
}

/** What the last reports of a pipeline say together. */
@Injectable()
export class PipelineTestsService {
  constructor(private readonly reports: TestReportsRepository) {}

  async of(pipelineId: string): Promise<PipelineTests> {
    const newest = await this.reports.newest(pipelineId, REPORTS);
    const outcomes: StepOutcomes[] = [];
    for (const report of newest) outcomes.push(await outcomesOf(report));
    return {
      reports: newest.length,
      since: newest.at(-1)?.created_at,
      flaky: flakyCases(outcomes),
    };
  }
}

async function outcomesOf(report: TestReportDocument): Promise<StepOutcomes> {
  return {
    pipeline: report.pipeline_id,
    stage: report.stage,
    step: report.step,
    ...(report.commit !== null && { commit: report.commit }),
    execution: report.execution_id,
    attempt: `${report.execution_attempt}.${report.attempt}`,
    isFork: report.is_fork,
    at: report.created_at,
    cases: await unpackOutcomes(report.outcomes),
  };
}
