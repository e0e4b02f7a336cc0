import { uuidV7 } from '../../common/ids/uuid.js';
import type { ApiRequest, Read } from '../api/api-client.js';
import {
  pipelineSummary,
  type SavedPipeline,
  savedPipeline,
  wholePipeline,
  wholeVersion,
} from '../api/wire-readers.js';
import { RefusedError } from '../api/refusal.js';
import { placeLines } from '../api/refusal-lines.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';
import { cleanLines, cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findPipeline, pipelineLines, pipelinesNamed } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { versionNamed } from './pipeline-history.js';
import { validateYaml, isRefusal } from './pipeline-applier.js';
import { printServerProblems, problemsOf } from './server-problems.js';
import { type ClientFlags, Session } from './session.js';

export async function listPipelines(flags: PageFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  return printPage(session, flags, {
    path: '/api/ci/pipelines',
    reader: pipelineSummary,
    none: 'No pipelines. Create one: ./millrace apply FILE',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      { title: 'ENABLED', text: ({ enabled }) => (enabled === false ? 'no' : 'yes') },
      { title: 'UPDATED', text: ({ updated_at }) => session.moments.ago(updated_at) },
      { title: 'DESCRIPTION', text: ({ description }) => description ?? '', narrow: 'note' },
    ],
  });
}

export async function getPipeline(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const path = `/api/ci/pipelines/${id}`;
  const { value: pipeline, json } = await session.api.read({ method: 'GET', path }, wholePipeline);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const { moments } = session;
  const fact = (name: string, value: string): void =>
    terminal.print(`${terminal.paint('dim', name.padEnd(11))} ${cleanText(value)}`);
  terminal.print(terminal.paint('bold', cleanText(pipeline.name)));
  fact('Id', pipeline.id);
  if (pipeline.description !== null) fact('Description', pipeline.description);
  fact('Version', String(pipeline.version));
  fact('Enabled', pipeline.enabled === false ? 'no' : 'yes');
  fact(
    'Stages',
    pipeline.stages.map(({ name, steps = [] }) => `${name} (${steps.length})`).join(', '),
  );
  fact('Timeout', `${pipeline.timeout} s`);
  fact('Created', moments.full(pipeline.created_at));
  fact('Updated', moments.full(pipeline.updated_at));
  return exitCodes.success;
}

const NO_CONTENT = 204;

/** The very text that was stored; a terminal gets it without what it would obey. */
export async function pipelineYaml(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const { id, number } = await versionNamed(session.api, reference);
  const yaml = await readYaml(session, id, number);
  if (session.json) session.printJson(JSON.stringify({ yaml_content: yaml }));
  else terminal.write(terminal.isTerminal ? cleanLines(yaml) : yaml);
  return exitCodes.success;
}

async function readYaml({ api }: Session, id: string, version?: string): Promise<string> {
  if (version !== undefined) {
    const path = `/api/ci/pipelines/${id}/versions/${version}`;
    return (await api.get(path, wholeVersion)).yaml_content;
  }
  const request = { method: 'GET', path: `/api/ci/pipelines/${id}/yaml` };
  return (await api.text(request, 'text/yaml')).text;
}

/** Stores a new one; of a name that exists only when that is wanted. */
export async function createPipeline(
  file: string,
  flags: ClientFlags & { readonly allowDuplicate?: boolean },
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const yaml = await readSource(file);
  if (!flags.allowDuplicate) await refuseDuplicate(session, file, yaml);
  return save(session, file, {
    method: 'POST',
    path: '/api/ci/pipelines',
    body: { yaml_content: yaml },
    headers: { 'idempotency-key': uuidV7() },
    // By the key the server knows a second request again.
    repeatable: true,
  });
}

async function refuseDuplicate({ api }: Session, file: string, yaml: string): Promise<void> {
  const { name } = await validateYaml(api, yaml);
  // What is wrong with it the server says best when it is to store it.
  if (name === null) return;
  const found = await pipelinesNamed(api, name);
  if (found.length === 0) return;
  throw new CommandError(`There is a pipeline "${name}" already.`, exitCodes.failed, [
    ...pipelineLines(found),
    `Store a new version of it by ./millrace apply ${cleanText(file)}, or one more of the name by --allow-duplicate.`,
  ]);
}

export interface UpdateFlags extends ClientFlags {
  readonly ifVersion?: number;
  readonly rename?: boolean;
}

export async function updatePipeline(
  reference: string,
  file: string,
  flags: UpdateFlags,
  terminal: Terminal,
): Promise<number> {
  const yaml = await readSource(file);
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const guard: Record<string, string> =
    flags.ifVersion === undefined ? {} : { 'if-match': `"${flags.ifVersion}"` };
  if (!flags.rename) {
    try {
      await refuseOtherName(session, id, file, yaml);
    } catch (error) {
      // Who may only write is not asked for more rights than that.
      if (!isRefusal(error, 403)) throw error;
    }
  }
  return save(session, file, {
    method: 'PUT',
    path: `/api/ci/pipelines/${id}`,
    body: { yaml_content: yaml },
    headers: guard,
    // The same text again makes no new version; behind a guard the second request could be refused
    // for the first.
    repeatable: flags.ifVersion === undefined,
  });
}

/** A file of another name is most likely that of another pipeline. */
async function refuseOtherName(
  { api }: Session,
  id: string,
  file: string,
  yaml: string,
): Promise<void> {
  const { name } = await validateYaml(api, yaml);
  // What is wrong with it the server says best when it is to store it.
  if (name === null) return;
  const request = { method: 'GET', path: `/api/ci/pipelines/${id}` };
  const { value: pipeline } = await api.read(request, wholePipeline);
  if (pipeline.name === name) return;
  const message = `The file is that of "${name}", and the pipeline is "${pipeline.name}".`;
  throw new CommandError(message, exitCodes.usage, [
    `Store it under its own name by ./millrace apply ${cleanText(file)}, or give the pipeline this name by --rename.`,
  ]);
}

export async function deletePipeline(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const request = { method: 'DELETE', path: `/api/ci/pipelines/${id}` };
  const { answer } = await session.api.text(request);
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) terminal.print(`Deleted ${id}. Its executions stay readable.`);
  return exitCodes.success;
}

/** A pipeline that is not enabled starts nothing. */
export async function setEnabled(
  enabled: boolean,
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const request = {
    method: 'PATCH',
    path: `/api/ci/pipelines/${id}`,
    body: { enabled },
    repeatable: true,
  };
  const { json } = await session.api.read(request, pipelineSummary);
  if (session.json) session.printJson(json);
  else terminal.print(`${enabled ? 'Enabled' : 'Disabled'} ${id}.`);
  return exitCodes.success;
}

async function save(session: Session, file: string, request: ApiRequest): Promise<number> {
  const { terminal } = session;
  let saved: Read<SavedPipeline>;
  try {
    saved = await session.api.read(request, savedPipeline);
  } catch (error) {
    throw session.json ? error : tellProblems(file, error, terminal);
  }
  if (session.json) {
    session.printJson(saved.json);
    return exitCodes.success;
  }
  const { id, name, version, warnings } = saved.value;
  printServerProblems(file, warnings, (line) => terminal.say(line), terminal);
  terminal.print(`${id}  ${cleanText(name)}  version ${version}`);
  return exitCodes.success;
}

/** Where the file is wrong, as `lint` shows it; what is left to say of the error. */
function tellProblems(file: string, error: unknown, terminal: Terminal): unknown {
  const problems = problemsOf(error);
  printServerProblems(file, problems, (line) => terminal.say(line), terminal);
  return error instanceof RefusedError ? error.without(placeLines(problems)) : error;
}
