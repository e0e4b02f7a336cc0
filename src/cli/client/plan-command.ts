import { statSync } from 'node:fs';
import { FOLDER_NAMED } from '../../common/values/file-problem.js';
import { readJson } from '../api/answer-shape.js';
import { type InvalidPlan, planAnswer, type ValidPlan } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';
import { cleanJson, cleanLines, cleanText } from '../terminal/clean-text.js';
import { countErrors } from '../terminal/problem-list.js';
import type { Terminal } from '../terminal/terminal.js';
import { assumedEventOf } from './assumed-event.js';
import { findPipelineIfAny, PIPELINES_LISTED } from './find-pipeline.js';
import type { LocalPlanFlags, PlannedFile } from './local-plan.js';
import { renderDecision, renderPlan } from './plan-view.js';
import { printServerProblems } from './server-problems.js';
import { type ClientFlags, Session } from './session.js';
import { triggerBody, type TriggerValues } from './trigger-command.js';

export interface PlanFlags extends ClientFlags, TriggerValues, LocalPlanFlags {
  readonly mermaid?: boolean;
}

/**
 * Shows what an event would do. 0: the pipelines have no errors, whether or not it starts them; 1:
 * one has.
 *
 * @param source `-` or the path of a file that is there, which is planned here unless a server is
 *   named; else a pipeline of the server. Undefined: the files of this folder that a push reads.
 */
export async function planCommand(
  source: string | undefined,
  flags: PlanFlags,
  terminal: Terminal,
): Promise<number> {
  if (source !== undefined && (flags.server !== undefined || !isFile(source))) {
    return planThere(source, flags, terminal);
  }
  const { planHere } = await import('./local-plan.js');
  const planned = await planHere(source, flags);
  if (planned.kind === 'ignored') {
    const { code, message } = planned;
    if (flags.json) terminal.printWhole(JSON.stringify({ items: [], ignored: { code, message } }));
    else terminal.print(`Nothing would start: ${cleanText(message)}`);
    return exitCodes.success;
  }
  const { files } = planned;
  if (flags.mermaid && files.length > 1) {
    throw new CommandError('--mermaid draws one pipeline.', exitCodes.usage, [
      'Name one of these:',
      ...files.map(({ file }) => `  ${cleanText(file)}`),
    ]);
  }
  if (flags.json) printJson(source, files, terminal);
  else if (source === undefined && !flags.mermaid) showAll(files, terminal);
  else for (const { file, answer } of files) show(file, asRead(answer), flags.mermaid, terminal);
  return files.every(({ answer }) => answer.valid) ? exitCodes.success : exitCodes.failed;
}

/** Of one file it is what the API answers; of a folder a list of these. */
function printJson(
  source: string | undefined,
  files: readonly PlannedFile[],
  terminal: Terminal,
): void {
  const all = files.map(({ file, answer }) =>
    source === undefined ? { file, ...answer } : answer,
  );
  const [first] = all;
  terminal.printWhole(cleanJson(JSON.stringify(source === undefined ? { items: all } : first)));
}

/** Of what would not start only the decision. */
function showAll(files: readonly PlannedFile[], terminal: Terminal): void {
  for (const [index, { file, answer }] of files.entries()) {
    if (index > 0) terminal.print();
    const read = asRead(answer);
    terminal.print(terminal.paint('dim', cleanText(file)));
    if (read.valid && !read.decision.starts) {
      printServerProblems(cleanText(file), read.problems, (line) => terminal.print(line), terminal);
      for (const line of renderDecision(read, terminal)) terminal.print(line);
    } else {
      show(file, read, false, terminal);
    }
  }
}

/** As it would come from a server: its texts are clean then. */
function asRead(answer: PlannedFile['answer']): ValidPlan | InvalidPlan {
  return readJson(JSON.stringify(answer), planAnswer);
}

async function planThere(source: string, flags: PlanFlags, terminal: Terminal): Promise<number> {
  if (flags.eventFile !== undefined) {
    throw new CommandError('--event-file is for files that are planned here.', exitCodes.usage, [
      'Name a file, or none in the folder of the repository.',
    ]);
  }
  const session = Session.open(flags, terminal);
  const pipeline = isFile(source)
    ? { yaml_content: await readSource(source) }
    : { pipeline_id: await pipelineOf(session, source) };
  const request = {
    method: 'POST',
    path: '/api/ci/pipelines/plan',
    body: { ...pipeline, trigger: { ...triggerBody(flags), ...eventBody(flags) } },
    repeatable: true,
  };
  const { value: answer, json } = await session.api.read(request, planAnswer);
  if (session.json) session.printJson(json);
  else show(source, answer, flags.mermaid, terminal);
  return answer.valid ? exitCodes.success : exitCodes.failed;
}

/** What the API takes of an event beside what a trigger has. */
function eventBody(flags: PlanFlags): Record<string, unknown> {
  const { event, message, changedPaths, pullRequest } = assumedEventOf(flags);
  const { baseBranch, headBranch, ...same } = pullRequest ?? {};
  return {
    event,
    message,
    changed_paths: changedPaths,
    pull_request: pullRequest && { ...same, base_branch: baseBranch, head_branch: headBranch },
  };
}

/** With `--mermaid` results are the graph alone. */
function show(
  source: string,
  answer: ValidPlan | InvalidPlan,
  mermaid: boolean | undefined,
  terminal: Terminal,
): void {
  const print = (line: string): void => (mermaid ? terminal.say(line) : terminal.print(line));
  printServerProblems(cleanText(source), answer.problems, print, terminal);
  if (!answer.valid) print(`${cleanText(source)}: ${countErrors(answer.problems)}`);
  else if (mermaid) terminal.write(cleanLines(answer.mermaid));
  else for (const line of renderPlan(answer, terminal)) print(line);
}

/** True for what is planned here, or refused here: a folder that is written as a path, too. */
function isFile(source: string): boolean {
  if (source === '-') return true;
  try {
    // A pipe is one too: `plan <(generate)`.
    return !statSync(source).isDirectory() || /^[./]|\/$/.test(source);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Of any other, such as one that may not be read, reading it says what is wrong.
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code);
  }
}

/** A pipeline may have the name of a folder; where none has it the folder was meant. */
async function pipelineOf({ api }: Session, reference: string): Promise<string> {
  const id = await findPipelineIfAny(api, reference).catch((error: unknown) => {
    if (!isFolder(reference) || !(error instanceof CommandError)) throw error;
    throw folderNamed(reference, [`As a pipeline it was not found: ${error.message}`]);
  });
  if (id !== undefined) return id;
  if (isFolder(reference))
    throw folderNamed(reference, ['No pipeline has this name.', PIPELINES_LISTED]);
  const what = `There is no file and no pipeline "${cleanText(reference)}".`;
  throw new CommandError(what, exitCodes.notFound, [PIPELINES_LISTED]);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // `isFile` has judged it by then: there is nothing of this name.
  }
}

function folderNamed(reference: string, more: readonly string[]): CommandError {
  return new CommandError(`${reference}: ${FOLDER_NAMED}`, exitCodes.usage, more);
}
