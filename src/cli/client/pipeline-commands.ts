import { uuidV7 } from '../../common/ids/uuid.js';
import { RefusedError } from '../api-client.js';
import { exitCodes } from '../exit-codes.js';
import type { ShownProblem } from '../problem-list.js';
import { readSource } from '../read-source.js';
import type { Terminal } from '../terminal.js';
import { cleanLines, cleanText } from '../clean-text.js';
import { findPipeline } from './find-pipeline.js';
import { isProblem, printServerProblems } from './server-problems.js';
import { type ClientFlags, Session } from './session.js';
import { renderTable } from './text-table.js';
import type { ListOf, PipelineSummary, SavedPipeline, WholePipeline } from './wire-types.js';

export interface ListFlags extends ClientFlags {
  readonly limit: number;
  readonly cursor?: string;
}

export async function listPipelines(flags: ListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = new URLSearchParams({ limit: String(flags.limit) });
  if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
  const path = `/api/ci/pipelines?${query.toString()}`;
  const json = await session.api.text({ method: 'GET', path });
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const { items, next_cursor } = JSON.parse(json) as ListOf<PipelineSummary>;
  if (items.length === 0) {
    terminal.say('No pipelines. Create one: ./millrace pipelines create FILE');
    return exitCodes.success;
  }
  terminal.print(
    renderTable(
      items,
      [
        { title: 'ID', text: ({ id }) => id },
        { title: 'NAME', text: ({ name }) => name, shrinks: true },
        { title: 'VERSION', text: ({ version }) => String(version), align: 'right' },
        { title: 'ENABLED', text: ({ enabled }) => (enabled === false ? 'no' : 'yes') },
        { title: 'UPDATED', text: ({ updated_at }) => session.moments.ago(updated_at) },
        { title: 'DESCRIPTION', text: ({ description }) => description ?? '', shrinks: true },
      ],
      terminal,
    ),
  );
  if (next_cursor !== null) terminal.say(`More: --cursor ${cleanText(next_cursor)}`);
  return exitCodes.success;
}

export async function getPipeline(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const json = await session.api.text({ method: 'GET', path: `/api/ci/pipelines/${id}` });
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const pipeline = JSON.parse(json) as WholePipeline;
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

/** The very text that was stored; a terminal gets it without what it would obey. */
export async function pipelineYaml(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const yaml = await session.api.text({ method: 'GET', path: `/api/ci/pipelines/${id}/yaml` });
  if (session.json) terminal.print(JSON.stringify({ yaml_content: yaml }));
  else terminal.write(terminal.isTerminal ? cleanLines(yaml) : yaml);
  return exitCodes.success;
}

export async function createPipeline(
  file: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  return save(session, file, (yaml) => ({
    method: 'POST',
    path: '/api/ci/pipelines',
    body: { yaml_content: yaml },
    headers: { 'idempotency-key': uuidV7() },
    // By the key the server knows a second request again.
    repeatable: true,
  }));
}

export async function updatePipeline(
  reference: string,
  file: string,
  flags: ClientFlags & { readonly ifVersion?: number },
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const guard: Record<string, string> =
    flags.ifVersion === undefined ? {} : { 'if-match': `"${flags.ifVersion}"` };
  return save(session, file, (yaml) => ({
    method: 'PUT',
    path: `/api/ci/pipelines/${id}`,
    body: { yaml_content: yaml },
    headers: guard,
    // The same text again makes no new version; behind a guard the second request could be refused for the first.
    repeatable: flags.ifVersion === undefined,
  }));
}

export async function deletePipeline(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findPipeline(session.api, reference);
  const json = await session.api.text({ method: 'DELETE', path: `/api/ci/pipelines/${id}` });
  if (session.json) {
    if (json !== '') session.printJson(json);
  } else terminal.print(`Deleted ${id}. Its executions stay readable.`);
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
  const json = await session.api.text({
    method: 'PATCH',
    path: `/api/ci/pipelines/${id}`,
    body: { enabled },
    repeatable: true,
  });
  if (session.json) session.printJson(json);
  else terminal.print(`${enabled ? 'Enabled' : 'Disabled'} ${id}.`);
  return exitCodes.success;
}

async function save(
  session: Session,
  file: string,
  requestOf: (yaml: string) => Parameters<Session['api']['text']>[0],
): Promise<number> {
  const { terminal } = session;
  const request = requestOf(await readSource(file));
  let json: string;
  try {
    json = await session.api.text(request);
  } catch (error) {
    if (!session.json) tellProblems(file, error, terminal);
    throw error;
  }
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const { id, name, version, warnings } = JSON.parse(json) as SavedPipeline;
  printServerProblems(file, warnings, (line) => terminal.say(line), terminal);
  terminal.print(`${id}  ${cleanText(name)}  version ${version}`);
  return exitCodes.success;
}

/** Where the file is wrong, as `lint` shows it. */
function tellProblems(file: string, error: unknown, terminal: Terminal): void {
  if (!(error instanceof RefusedError) || !Array.isArray(error.answer?.details)) return;
  const problems = (error.answer.details as Partial<ShownProblem>[]).filter(isProblem);
  printServerProblems(file, problems, (line) => terminal.say(line), terminal);
}
