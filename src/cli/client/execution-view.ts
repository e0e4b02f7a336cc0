import type {
  Execution,
  ExecutionSummary,
  Failure,
  Outcome,
  Reason,
  Stage,
  Step,
  StepAttempt,
} from '../api/wire-readers.js';
import { shownSize } from '../../common/values/shown-size.js';
import { cleanText } from '../terminal/clean-text.js';
import { failureLines, shortNote } from '../terminal/failure-lines.js';
import type { Moments } from '../terminal/moments.js';
import { formatDuration, paintStatus, STATUS_WIDTH } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { toldOnce } from '../terminal/told-once.js';
import { reasonProblemLines } from './server-problems.js';

/** A phase that took so long is told. */
const TOLD_MS = 1_000;

/** One execution whole: what it is, then its stages and steps as a tree with reasons and times. */
export function renderExecution(
  execution: Execution,
  terminal: Terminal,
  moments: Moments,
  commandLine: (command: string) => string,
): string[] {
  const fact = (name: string, value: string): string =>
    `${terminal.paint('dim', name.padEnd(9))} ${value}`;
  const { trigger_info: trigger, commit, placements } = execution;
  const told = { ...execution, reason: execution.waits_for ?? execution.reason };
  const place = trigger.branch ?? trigger.tag ?? trigger.commit_hash;
  const by = `${trigger.trigger_type}, by ${trigger.triggered_by}${place ? `, ${place}` : ''}`;
  const worker = placements.at(-1);
  return [
    `${terminal.paint('bold', cleanText(numberedName(execution)))} version ${execution.pipeline_version}: ${paintStatus(terminal, execution.status)}${why(told)}`,
    fact('Id', execution.id),
    fact('Trigger', cleanText(by)),
    ...(commit
      ? [
          fact(
            'Commit',
            cleanText(`${commit.sha.slice(0, 12)} ${commit.message.split('\n')[0] ?? ''}`),
          ),
        ]
      : []),
    fact('Created', moments.full(execution.created_at)),
    ...(execution.started_at ? [fact('Started', moments.full(execution.started_at))] : []),
    ...(execution.finished_at ? [fact('Finished', moments.full(execution.finished_at))] : []),
    fact('Time', `${timeOf(execution, moments) || '-'}${waitedText(execution)}`),
    ...(worker
      ? [fact('Worker', cleanText(workerText(worker.worker_name, execution.attempt)))]
      : []),
    ...withSpace(approvalLines(execution, moments, commandLine)),
    ...withSpace(reasonProblemLines(execution.reason ?? {}, terminal)),
    ...withSpace(renderTree(execution, terminal, moments)),
    ...(execution.failure
      ? [
          '',
          ...renderFailure(execution.failure, terminal.colour),
          ...restOf(execution, commandLine),
        ]
      : []),
    ...withSpace(failedTestsLines(execution, commandLine)),
  ];
}

/** A part, with an empty line before it where there is one. */
function withSpace(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What was asked of people, what they said, and how to answer what is open. */
function approvalLines(
  { id, approvals = [], status, reason: why }: Execution,
  moments: Moments,
  commandLine: (command: string) => string,
): string[] {
  const isOpen = approvals.some((one) => one.status === 'waiting') && status !== 'pending';
  return [
    ...approvals.flatMap((one) => [
      cleanText(`${one.stage}/${one.step} asks: ${one.message}`),
      ...(one.status === 'waiting'
        ? [
            cleanText(
              `  ${one.missing} of ${one.required} missing; by ${approversOf(one.approvers)}, until ${moments.full(one.until)}`,
            ),
          ]
        : []),
      ...one.given.map(({ kind, login, at, reason }) =>
        cleanText(
          `  ${kind} by ${login}, ${moments.ago(at)}${reason === null ? '' : `: ${reason}`}`,
        ),
      ),
    ]),
    ...(isOpen ? [`  Answer it: ${commandLine(`approve ${id}`)}, or reject`] : []),
    ...(status === 'waiting' ? deploymentLines(why, commandLine) : []),
  ];
}

/** It waits with a deployment, which is answered by its own id. */
function deploymentLines(
  why: Execution['reason'],
  commandLine: (command: string) => string,
): string[] {
  const id = why?.data?.['deployment_id'];
  if (typeof id !== 'string') return [];
  return [cleanText(`  Answer it: ${commandLine(`approve ${id}`)}, or reject`)];
}

function approversOf({
  users,
  roles,
}: {
  readonly users: readonly string[];
  readonly roles: readonly string[];
}): string {
  return [...users, ...roles.map((role) => `role ${role}`)].join(', ');
}

function workerText(name: string, attempt: number): string {
  return attempt > 1 ? `${name} (execution attempt ${attempt})` : name;
}

/** The first failure with the end of its log. */
export function renderFailure(failure: Failure, colour: boolean): string[] {
  const { stage, step, reason, last_lines: lastLines } = failure;
  return failureLines({ stage, step, message: reason.message, lastLines }, colour);
}

/** Names that a shell takes as they are: others stand in no command that people paste. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

/** The command that shows the rest of the log of what failed first. */
function restOf(
  { id, failure }: Execution,
  commandLine: (command: string) => string,
): readonly string[] {
  if (!failure || failure.last_lines.length === 0) return [];
  const { stage, step } = failure;
  const options = [
    ...(PLAIN.test(stage) ? [`--stage ${stage}`] : []),
    ...(PLAIN.test(step) ? [`--step ${step}`] : []),
  ];
  return [`  All of it: ${commandLine(['logs', id, ...options].join(' '))}`];
}

/** The command that says which tests failed, where reports say that some did. */
export function failedTestsLines(
  execution: Execution,
  commandLine: (command: string) => string,
): readonly string[] {
  if (!hasFailedTests(execution)) return [];
  return [`Which tests failed: ${commandLine(`tests ${execution.id}`)}`];
}

function hasFailedTests({ stages, on_failure, always }: Execution): boolean {
  const steps = [...stages.flatMap((stage) => stage.steps), ...on_failure, ...always];
  return steps.some(({ attempts }) => {
    const { tests } = attempts.at(-1) ?? {};
    return tests !== undefined && tests.failed + tests.error > 0;
  });
}

interface TreeRow {
  readonly name: string;
  readonly outcome: Outcome;
  readonly note: string;
}

function renderTree(execution: Execution, terminal: Terminal, moments: Moments): string[] {
  const above = execution.reason?.message ?? '';
  const rows: TreeRow[] = [
    ...(execution.checkout ? [stepRow('', execution.checkout, above)] : []),
    ...execution.stages.flatMap((stage) => stageRows(stage, above)),
    ...hookRows('on_failure', execution.on_failure, above),
    ...hookRows('always', execution.always, above),
  ];
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map(({ name, outcome, note }) => {
    const status = paintStatus(terminal, outcome.status, outcome.status.padEnd(STATUS_WIDTH));
    const time = timeOf(outcome, moments).padStart(10);
    const end = note === '' ? '' : `  ${terminal.paint('dim', note)}`;
    return `${name.padEnd(width)}  ${status} ${time}${end}`.trimEnd();
  });
}

/** `above` is the reason of the whole, which is told in front of these. */
function stageRows(stage: Stage, above: string): TreeRow[] {
  const { name, steps } = stage;
  return [
    { name: cleanText(name), outcome: stage, note: reasonText(stage, above) },
    ...steps.map((step, index) => stepRow(index === steps.length - 1 ? '└─ ' : '├─ ', step, above)),
  ];
}

function hookRows(name: string, steps: readonly Step[], above: string): TreeRow[] {
  return steps.map((step) => stepRow(`${name}/`, step, above));
}

function stepRow(before: string, step: Step, above: string): TreeRow {
  const notes = [
    reasonText(step, above),
    step.flaky ? `passed at attempt ${step.attempts.length}` : '',
    step.continued_on_error ? 'its stage continued' : '',
    ...attemptNotes(step.attempts.at(-1) ?? {}),
  ].filter((note) => note !== '');
  return { name: `${before}${cleanText(step.name)}`, outcome: step, note: notes.join('; ') };
}

/** What the last attempt left, and what took long beside its command. */
function attemptNotes({ phases = [], tests, artifacts }: StepAttempt): string[] {
  const notes = phases
    .filter(({ name, duration }) => name !== 'command' && (duration ?? 0) >= TOLD_MS)
    .map(({ name, duration }) => `${cleanText(name)} ${formatDuration(duration ?? 0)}`);
  if (tests) {
    const flaky = tests.flaky > 0 ? `, ${tests.flaky} flaky` : '';
    notes.push(`tests: ${tests.passed} passed, ${tests.failed + tests.error} failed${flaky}`);
  }
  if (artifacts) {
    const { files, bytes } = artifacts;
    notes.push(`${files} ${files === 1 ? 'artifact' : 'artifacts'}, ${shownSize(bytes)}`);
  }
  return notes;
}

function reasonText(
  { status, reason }: { status: string; reason: Reason | null },
  above = '',
): string {
  return status === 'success' ? '' : shortNote(toldOnce(reason?.message ?? '', above, 'as above'));
}

/** Whole, unless the first failure says it whole below. */
function why(execution: Execution): string {
  const { status, reason, failure } = execution;
  const isTold = failure !== null || status === 'success';
  const text = isTold ? reasonText(execution) : cleanText(reason?.message ?? '');
  return text === '' ? '' : `, ${text}`;
}

/** How long one took that is over, and how much of that it waited for people. */
export function tookText({ duration, waited }: Pick<Execution, 'duration' | 'waited'>): string {
  return `${formatDuration(duration ?? 0)}${waitedText({ waited })}`;
}

function waitedText({ waited = 0 }: Pick<Execution, 'waited'>): string {
  return waited === 0 ? '' : `, of which it waited ${formatDuration(waited)}`;
}

function timeOf({ started_at, finished_at, duration }: Outcome, moments: Moments): string {
  if (duration !== null) return formatDuration(duration);
  if (!started_at) return '';
  if (finished_at) return formatDuration(Date.parse(finished_at) - Date.parse(started_at));
  return formatDuration(moments.since(started_at));
}

/** `shop#42`, by which it can be named; `shop` where an older server has not counted it. */
export function numberedName({
  pipeline_name: name,
  number,
}: Pick<ExecutionSummary, 'pipeline_name' | 'number'>): string {
  return number === null ? name : `${name}#${number}`;
}
