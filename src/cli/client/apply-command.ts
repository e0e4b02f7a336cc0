import type { Validation } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline } from './find-pipeline.js';
import { type Applied, applyYaml, applyYamlTo, validateYaml } from './pipeline-applier.js';
import { printServerProblems } from './server-problems.js';
import { type ClientFlags, Session } from './session.js';

export interface ApplyFlags extends ClientFlags {
  readonly pipeline?: string;
}

interface Source {
  readonly file: string;
  readonly yaml: string;
}

interface NamedSource extends Source {
  readonly name: string;
}

/**
 * Makes pipelines be what files say. Every file is read and checked before the first one is stored.
 *
 * @param files `-` is standard input
 */
export async function applyCommand(
  files: readonly string[],
  flags: ApplyFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.pipeline !== undefined && files.length > 1) {
    throw new CommandError('--pipeline is for one file.', exitCodes.usage);
  }
  const session = Session.open(flags, terminal);
  const sources: Source[] = [];
  for (const file of files) sources.push({ file, yaml: await readSource(file) });
  const named = await checkAll(session, sources);
  const target =
    flags.pipeline === undefined ? undefined : await findPipeline(session.api, flags.pipeline);
  const done: string[] = [];
  try {
    for (const { file, yaml, name } of named) {
      const applied = target
        ? await applyYamlTo(session.api, yaml, target)
        : await applyYaml(session.api, yaml, name);
      done.push(tell(session, file, applied));
    }
  } finally {
    // What is stored is shown also when a later file is refused.
    if (session.json && done.length > 0) session.printJson(`{"items":[${done.join(',')}]}`);
  }
  return exitCodes.success;
}

/** The names of all, which are different ones. @throws CommandError */
async function checkAll(
  { api, json, terminal }: Session,
  sources: readonly Source[],
): Promise<NamedSource[]> {
  const named: NamedSource[] = [];
  const refused: (Source & { readonly problems: Validation['problems'] })[] = [];
  for (const source of sources) {
    const { name, problems } = await validateYaml(api, source.yaml);
    if (name === null) refused.push({ ...source, problems });
    else named.push({ ...source, name });
  }
  if (refused.length > 0) {
    if (!json) {
      for (const { file, problems } of refused) {
        printServerProblems(file, problems, (line) => terminal.say(line), terminal);
      }
    }
    throw wrongFiles(refused);
  }
  const files = new Map<string, string>();
  for (const { name, file } of named) {
    const other = files.get(name);
    if (other !== undefined) throw sameName(name, other, file);
    files.set(name, file);
  }
  return named;
}

/** A line of the result; as JSON what is given back. */
function tell({ json, terminal }: Session, file: string, { action, saved }: Applied): string {
  const { id, name, version, warnings } = saved.value;
  if (!json) {
    printServerProblems(file, warnings, (line) => terminal.say(line), terminal);
    terminal.print(`${id}  ${name}  version ${version}  ${action}`);
  }
  return `{"file":${JSON.stringify(file)},"action":"${action}","pipeline":${saved.json}}`;
}

function wrongFiles(
  refused: readonly { readonly file: string; readonly problems: readonly object[] }[],
): CommandError {
  const names = refused.map(({ file }) => cleanText(file)).join(', ');
  const message = `Nothing is stored: there are errors in ${names}.`;
  return new CommandError(message, exitCodes.usage, ['Mend them, and apply again.'], {
    error: 'ValidationError',
    message,
    details: refused.flatMap(({ file, problems }) => problems.map((each) => ({ file, ...each }))),
    suggestions: ['Mend them, and apply again.'],
    timestamp: new Date().toISOString(),
  });
}

function sameName(name: string, one: string, other: string): CommandError {
  return new CommandError(
    `Nothing is stored: ${cleanText(one)} and ${cleanText(other)} are both of the name "${name}".`,
    exitCodes.usage,
    ['Name them differently, or apply one of them.'],
  );
}
