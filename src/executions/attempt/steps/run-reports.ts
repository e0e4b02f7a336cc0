import { createHash } from 'node:crypto';
import type { TextMasks } from '../../../common/junit/junit-cases.js';
import { testReport, type TestReport } from '../../../common/junit/test-report.js';
import type { TestCounts } from '../../../common/values/test-counts.js';
import type { ReportsPlan } from '../../../engine/plan/reports-plan.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { StepAddress, StepAttempt } from '../../../engine/runtime/step-handler.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { packOutcomes } from '../../reports/case-outcomes.js';
import { readReportFiles } from '../../reports/report-files.js';
import type { TestReportDocument } from '../../reports/test-report.schema.js';
import type { TestReportSink } from '../../reports/test-report-sink.js';
import type { StepOutput } from './step-output.js';

/** Lines about files that were not read. */
const SHOWN = 10;
/** UTF-16 units of one that is stored. */
const MAX_PROBLEM = 1_000;
const TICK_MS = 20;

/** Reads what tests of one run said, stores it and what was not read, and sums it up in the log. */
export class RunReports {
  constructor(
    private readonly sink: TestReportSink,
    private readonly context: Pick<RunContext, 'executionId' | 'executionAttempt' | 'pipelineId'>,
    private readonly workspace: Workspace,
    private readonly masks: TextMasks,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {}

  /**
   * Undefined: no file of the patterns was read.
   *
   * @throws an error of the disk, of the store, or the reason of the signal
   */
  async keep(
    { address, environment }: StepAttempt,
    plan: ReportsPlan,
    begun: Date,
    signal: AbortSignal,
  ): Promise<TestCounts | undefined> {
    const { directory } = this.workspace;
    // Times of files are those of the kernel's last tick.
    const since = new Date(begun.getTime() - TICK_MS);
    const { cases, files, problems } = await readReportFiles(
      ...([directory, plan.junit, since, this.masks, signal] as const),
    );
    const told = firstOf(problems);
    for (const problem of told) this.tell(address, problem);
    const report = await testReport(cases);
    const stored = await this.documentOf(address, environment, report);
    const shown = told.map((problem) => this.masks.cutText(problem, MAX_PROBLEM));
    await this.sink.insert({ ...stored, files, problems: shown }, signal);
    if (files === 0) return undefined;
    const { passed, failed, error, skipped, flaky } = report.counts;
    const ended = `${passed} passed, ${failed + error} failed, ${skipped} skipped`;
    const unsteady = flaky > 0 ? `, ${flaky} of them failed and passed` : '';
    this.tell(address, `${files} ${files === 1 ? 'file' : 'files'}: ${ended}${unsteady}`);
    return report.counts;
  }

  tell(address: StepAddress, line: string): void {
    this.output.systemLine(address, `reports: ${line}`);
  }

  private async documentOf(
    { stage, step, attempt }: StepAddress,
    environment: Readonly<Record<string, string>>,
    report: TestReport,
  ): Promise<TestReportDocument> {
    const { executionId, executionAttempt, pipelineId } = this.context;
    const place = JSON.stringify([stage, step, attempt]);
    const hash = createHash('sha256').update(place).digest('hex').slice(0, 32);
    return {
      _id: `${executionId}/${executionAttempt}/${hash}`,
      execution_id: executionId,
      pipeline_id: pipelineId,
      ...{ stage, step, attempt },
      execution_attempt: executionAttempt,
      // Names that begin so are the platform's: no pipeline sets them.
      commit: environment['CI_COMMIT'] ?? null,
      is_fork: environment['CI_FORK'] === 'true',
      created_at: new Date(),
      counts: report.counts,
      failures: report.failures,
      unlisted_failures: report.unlistedFailures,
      slowest: report.slowest.map(({ suite, className, name, seconds = 0 }) => ({
        ...{ suite, name, seconds },
        class_name: className,
      })),
      outcomes: await packOutcomes(report.cases),
    };
  }
}

function firstOf(problems: readonly string[]): readonly string[] {
  const more = problems.length - SHOWN;
  return more > 0 ? [...problems.slice(0, SHOWN), `${more} more problems`] : problems;
}
