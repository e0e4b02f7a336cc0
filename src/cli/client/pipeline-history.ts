import type { Command } from 'commander';
import type { ApiClient } from '../api/api-client.js';
import {
  pipelineStats,
  type PipelineStats,
  pipelineVersion,
  wholePipeline,
  wholeVersion,
} from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { wholeNumber } from '../command/option-values.js';
import { cleanLogLine, cleanText } from '../terminal/clean-text.js';
import { type DiffLine, diffLines, hunksOf } from '../terminal/line-diff.js';
import { formatDuration } from '../terminal/status-style.js';
import type { Style, Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import {
  addClientOptions,
  addPageOptions,
  type Done,
  PIPELINE,
  PIPELINE_VERSION,
} from './client-options.js';
import { findPipeline, findPipelineIfAny } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

const DEFAULT_DAYS = 30;
const MAX_DAYS = 365;

interface StatsFlags extends ClientFlags {
  readonly days: number;
}

/** Commands for what a pipeline was, and how it did. */
export function addPipelineHistory(
  pipelines: Command,
  terminal: Terminal,
  setExitCode: Done,
): void {
  addPageOptions(
    addClientOptions(
      pipelines
        .command('versions')
        .description('Versions of a pipeline, newest first')
        .argument('<pipeline>', PIPELINE),
    ),
  ).action(async (pipeline: string, flags: PageFlags) => {
    setExitCode(await listVersions(pipeline, flags, terminal));
  });
  addClientOptions(
    pipelines
      .command('stats')
      .description('How a pipeline did: successes, times, steps that fail or are flaky')
      .argument('<pipeline>', PIPELINE)
      .option('--days <number>', 'of the last days', wholeNumber(1, MAX_DAYS), DEFAULT_DAYS),
  ).action(async (pipeline: string, flags: StatsFlags) => {
    setExitCode(await showStats(pipeline, flags, terminal));
  });
  addClientOptions(
    pipelines
      .command('diff')
      .description('What differs between the texts of two pipelines, or of two versions')
      .argument('<pipeline>', PIPELINE_VERSION)
      .argument('<other>', 'the same of the other one'),
  ).action(async (one: string, other: string, flags: ClientFlags) => {
    setExitCode(await showDiff(one, other, flags, terminal));
  });
}

async function listVersions(
  reference: string,
  flags: PageFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  return printPage(session, flags, {
    path: `/api/ci/pipelines/${await findPipeline(session.api, reference)}/versions`,
    reader: pipelineVersion,
    none: 'No versions.',
    columns: [
      { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'CREATED', text: ({ created_at }) => moments.ago(created_at) },
      { title: 'BY', text: ({ created_by }) => created_by, narrow: 'note' },
    ],
  });
}

async function showStats(
  reference: string,
  { days, ...flags }: StatsFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  return session.show(`/api/ci/pipelines/${id}/stats?days=${days}`, pipelineStats, (stats) => {
    for (const line of statsLines(stats, session)) terminal.print(line);
  });
}

/** Lines for people. */
function statsLines(stats: PipelineStats, { moments, terminal }: Session): string[] {
  const { days, looked_at: count, cut, by_status: counts, success_rate: rate } = stats;
  const fact = (name: string, value: string): string =>
    `${terminal.paint('dim', name.padEnd(12))}  ${cleanText(value)}`;
  const last = (of: PipelineStats['last_success']): string =>
    of === null ? 'none' : `${of.id} (${moments.ago(of.finished_at)})`;
  const statuses = Object.entries(counts).map(([status, number]) => `${String(number)} ${status}`);
  return [
    fact('Executions', `${count} in ${days} days${cut ? ', of more: the newest' : ''}`),
    ...(statuses.length === 0 ? [] : [fact('Ended as', statuses.join(', '))]),
    fact('Success rate', rate === null ? 'none ended' : percent(rate)),
    fact('Duration', percentiles(stats.duration_ms)),
    fact('Queued', percentiles(stats.queue_ms)),
    fact('Last success', last(stats.last_success)),
    fact('Last failure', last(stats.last_failure)),
    ...(stats.unsteady_steps.length === 0 ? [] : ['', unsteadyTable(stats, terminal)]),
  ];
}

function unsteadyTable({ unsteady_steps: steps }: PipelineStats, terminal: Terminal): string {
  return renderTable(
    steps,
    [
      {
        title: 'UNSTEADY STEP',
        text: ({ stage, step }) => (stage === '' ? step : `${stage}/${step}`),
        narrow: 'name',
      },
      { title: 'SHARE', text: ({ share }) => percent(share), align: 'right' },
      { title: 'FAILED', text: ({ failed }) => String(failed), align: 'right' },
      { title: 'FLAKY', text: ({ flaky }) => String(flaky), align: 'right' },
      { title: 'RUNS', text: ({ runs }) => String(runs), align: 'right' },
    ],
    terminal,
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function percentiles({ p50, p95 }: PipelineStats['duration_ms']): string {
  if (p50 === null || p95 === null) return 'none ended';
  return `half within ${formatDuration(p50)}, 95 % within ${formatDuration(p95)}`;
}

/** A text of a pipeline, as it is or was. */
interface Written {
  readonly pipeline_id: string;
  readonly version: number;
  readonly name: string;
  readonly yaml: string;
}

const STYLES: ReadonlyMap<string, Style> = new Map([
  ['+', 'green'],
  ['-', 'red'],
  ['@', 'cyan'],
]);

/** 0, whether or not they differ: what is asked for is shown. */
async function showDiff(
  one: string,
  other: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const [from, to] = [await writtenOf(session, one), await writtenOf(session, other)];
  const lines: readonly DiffLine[] = diffLines(from.yaml, to.yaml);
  const hunks = hunksOf(lines);
  if (session.json) {
    const facts = ({ yaml: _yaml, ...each }: Written): Omit<Written, 'yaml'> => each;
    session.printJson(JSON.stringify({ from: facts(from), to: facts(to), lines: hunks }));
    return exitCodes.success;
  }
  if (hunks.length === 0) {
    terminal.say('They are the same.');
    return exitCodes.success;
  }
  terminal.print(`--- ${titleOf(from)}`);
  terminal.print(`+++ ${titleOf(to)}`);
  for (const line of hunks) {
    const style = STYLES.get(line.charAt(0));
    const clean = cleanLogLine(line, false);
    terminal.printWhole(style === undefined ? clean : terminal.paint(style, clean));
  }
  return exitCodes.success;
}

function titleOf({ name, version }: Written): string {
  return cleanText(`${name} version ${version}`);
}

/** @throws CommandError where there is no such pipeline or version */
async function writtenOf({ api }: Session, reference: string): Promise<Written> {
  const { id, number } = await versionNamed(api, reference);
  const path = `/api/ci/pipelines/${id}`;
  const version = number ?? (await api.get(path, wholePipeline)).version;
  const written = await api.get(`${path}/versions/${version}`, wholeVersion);
  return {
    ...{ pipeline_id: id, version: written.version, name: written.name },
    yaml: written.yaml_content,
  };
}

/** `shop@2`: the pipeline of this whole name where there is one, else version 2 of `shop`. */
export async function versionNamed(
  api: ApiClient,
  reference: string,
): Promise<{ readonly id: string; readonly number?: string | undefined }> {
  const [, name, number] = /^(.+)@(\d{1,9})$/.exec(reference) ?? [];
  if (name === undefined) return { id: await findPipeline(api, reference) };
  const whole = await findPipelineIfAny(api, reference);
  return whole === undefined ? { id: await findPipeline(api, name), number } : { id: whole };
}
