import {
  type FlakyTest,
  pipelineTests,
  type TestCase,
  type TestReport,
  testReports,
} from '../api/wire-readers.js';
import { cleanLogLine, cleanText } from '../terminal/clean-text.js';
import { formatDuration } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { findExecution } from './find-execution.js';
import { findPipeline } from './find-pipeline.js';
import { type ClientFlags, Session } from './session.js';

/** Lines of the text of one failure. */
const TEXT_LINES = 12;
const SLOW = 3;

/** What the tests of an execution said, step by step. */
export async function showTests(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findExecution(session.api, reference);
  return session.show(`/api/ci/executions/${id}/reports`, testReports, (reports) => {
    if (reports.length === 0) {
      terminal.say(
        'No reports are stored. A step names them by `reports: { junit: "junit/*.xml" }`;',
      );
      terminal.say('where it does, its log says what was not read.');
    }
    for (const line of renderReports(reports, terminal)) terminal.print(line);
  });
}

export function renderReports(reports: readonly TestReport[], terminal: Terminal): string[] {
  return reports.flatMap((report, index) => [
    ...(index === 0 ? [] : ['']),
    headOf(report, terminal),
    ...(report.problems ?? []).map((problem) => cleanText(`  ${problem}`)),
    ...report.failures.flatMap((failure) => [
      `  ${terminal.paint('red', failure.outcome)} ${nameOf(failure)}${after(failure.message)}`,
      ...linesOf(failure.text, terminal),
    ]),
    ...(report.unlisted_failures > 0 ? [`  and ${report.unlisted_failures} more failures`] : []),
    ...report.slowest
      .slice(0, SLOW)
      .map((one) =>
        terminal.paint('dim', `  slow: ${formatDuration(one.seconds * 1_000)} ${nameOf(one)}`),
      ),
  ]);
}

function headOf({ stage, step, attempt, counts, files }: TestReport, terminal: Terminal): string {
  const { passed, failed, error, skipped, flaky } = counts;
  const place = cleanText(stage === '' ? step : `${stage}/${step}`);
  const again = attempt > 1 ? `, attempt ${attempt}` : '';
  const unsteady = flaky > 0 ? `, ${flaky} of them failed and passed` : '';
  const ended = `${passed} passed, ${failed + error} failed, ${skipped} skipped${unsteady}`;
  const said = files === 0 ? 'no report was read' : ended;
  return `${terminal.paint('bold', `${place}${again}`)}: ${said}`;
}

function nameOf({ suite, class_name: className, name }: TestCase): string {
  return cleanText([suite, className, name].filter((part) => part !== '').join(' › '));
}

function after(message: string | undefined): string {
  return message === undefined || message === '' ? '' : cleanText(`: ${message}`);
}

function linesOf(text: string | undefined, terminal: Terminal): string[] {
  const lines = (text ?? '').split('\n').filter((line) => line.trim() !== '');
  const shown = lines.slice(0, TEXT_LINES).map((line) => cleanLogLine(line, terminal.colour));
  const more = lines.length > TEXT_LINES ? [`${lines.length - TEXT_LINES} more lines`] : [];
  return [...shown, ...more].map((line) => `    | ${line}`);
}

/** What makes a pipeline fail without a change of it. */
export async function flakyTests(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  return session.show(`/api/ci/pipelines/${id}/tests`, pipelineTests, ({ reports, flaky }) => {
    if (flaky.length === 0) terminal.say(`None in the last ${reports} reports.`);
    else terminal.print(renderFlaky(flaky, terminal, session));
  });
}

function renderFlaky(
  flaky: readonly FlakyTest[],
  terminal: Terminal,
  { moments }: Pick<Session, 'moments'>,
): string {
  return renderTable(
    flaky,
    [
      { title: 'TEST', text: nameOf, narrow: 'name' },
      {
        title: 'STEP',
        text: ({ stage, step }) => (stage === '' ? step : `${stage}/${step}`),
        narrow: 'note',
      },
      { title: 'FAILED', text: ({ failed }) => String(failed), align: 'right' },
      { title: 'PASSED', text: ({ passed }) => String(passed), align: 'right' },
      { title: 'COMMITS', text: ({ commits }) => String(commits), align: 'right' },
      { title: 'LAST', text: ({ last_seen }) => moments.ago(last_seen) },
    ],
    terminal,
  );
}
