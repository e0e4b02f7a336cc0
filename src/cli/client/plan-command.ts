import { statSync } from 'node:fs';
import { planAnswer } from '../api/wire-readers.js';
import type { InvalidPlan, ValidPlan } from '../api/wire-types.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';
import { cleanLines, cleanText } from '../terminal/clean-text.js';
import { countErrors } from '../terminal/problem-list.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline } from './find-pipeline.js';
import { renderPlan } from './plan-view.js';
import { printServerProblems } from './server-problems.js';
import { type ClientFlags, Session } from './session.js';
import { triggerBody, type TriggerValues } from './trigger-command.js';

export interface PlanFlags extends ClientFlags, TriggerValues {
  readonly event: string;
  readonly mermaid?: boolean;
}

/**
 * Shows what a trigger would do. 0: the pipeline has no errors, whether or not the trigger starts
 * it; 1: it has.
 *
 * @param source `-`, the path of a file that is there, or else a pipeline of the server
 */
export async function planCommand(
  source: string,
  flags: PlanFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const pipeline = isFile(source)
    ? { yaml_content: await readSource(source) }
    : { pipeline_id: await pipelineOf(session, source) };
  const request = {
    method: 'POST',
    path: '/api/ci/pipelines/plan',
    body: { ...pipeline, trigger: { event: flags.event, ...triggerBody(flags) } },
    repeatable: true,
  };
  const { value: answer, json } = await session.api.read(request, planAnswer);
  if (session.json) session.printJson(json);
  else show(source, answer, flags.mermaid ?? false, terminal);
  return answer.valid ? exitCodes.success : exitCodes.failed;
}

/** With `--mermaid` results are the graph alone. */
function show(
  source: string,
  answer: ValidPlan | InvalidPlan,
  mermaid: boolean,
  terminal: Terminal,
): void {
  const print = (line: string): void => (mermaid ? terminal.say(line) : terminal.print(line));
  printServerProblems(cleanText(source), answer.problems, print, terminal);
  if (!answer.valid) print(`${cleanText(source)}: ${countErrors(answer.problems)}`);
  else if (mermaid) terminal.write(cleanLines(answer.mermaid));
  else for (const line of renderPlan(answer, terminal)) print(line);
}

function isFile(source: string): boolean {
  if (source === '-') return true;
  try {
    // A pipe is one too: `plan <(generate)`.
    return !statSync(source).isDirectory();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Of any other, such as one that may not be read, reading it says what is wrong.
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code);
  }
}

async function pipelineOf({ api }: Session, reference: string): Promise<string> {
  try {
    return await findPipeline(api, reference);
  } catch (error) {
    // The server's own 404 has an answer; ours says that no name fits.
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.notFound || error.answer) {
      throw error;
    }
    const what = `There is no file and no pipeline "${cleanText(reference)}".`;
    throw new CommandError(what, exitCodes.notFound, error.suggestions);
  }
}
