import { Injectable } from '@nestjs/common';
import { type FlakyCase, flakyCases, type StepOutcomes } from '../../engine/reports/flaky.js';
import { unpackedBytes, unpackOutcomes } from './case-outcomes.js';
import { type CountedReport, TestReportsRepository } from './test-reports.repository.js';

/** Reports that are looked at: of the last tries of steps. */
const REPORTS = 100;
/** Of all of them unpacked, bytes: about 500,000 cases. Those that do not fit are left out. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface PipelineTests {
  /** How many reports were looked at, and since when. */
  readonly reports: number;
  readonly since: Date | undefined;
  readonly flaky: readonly FlakyCase[];
}

/** What the last reports of a pipeline say together. One of them is held at a time. */
@Injectable()
export class PipelineTestsService {
  constructor(private readonly reports: TestReportsRepository) {}

  async of(pipelineId: string, maxBytes = MAX_BYTES): Promise<PipelineTests> {
    const seen: Date[] = [];
    let room = maxBytes;
    const newest = this.reports.newestCounted(pipelineId, REPORTS);
    async function* outcomes(): AsyncGenerator<StepOutcomes, void, void> {
      for await (const report of newest) {
        const bytes = unpackedBytes(report.outcomes);
        if (bytes > room) continue;
        room -= bytes;
        seen.push(report.created_at);
        yield await outcomesOf(report, bytes);
      }
    }
    const flaky = await flakyCases(outcomes());
    return { reports: seen.length, since: seen.at(-1), flaky };
  }
}

async function outcomesOf(report: CountedReport, bytes: number): Promise<StepOutcomes> {
  return {
    pipeline: report.pipeline_id,
    stage: report.stage,
    step: report.step,
    ...(report.commit !== null && { commit: report.commit }),
    execution: report.execution_id,
    attempt: `${report.execution_attempt}.${report.attempt}`,
    isFork: report.is_fork,
    at: report.created_at,
    cases: await unpackOutcomes(report.outcomes, bytes),
  };
}
