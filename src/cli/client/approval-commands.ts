import type { Command } from 'commander';
import { isUuid } from '../../common/ids/uuid.js';
import type { NameRecord } from '../../common/values/name-record.js';
import {
  deployment,
  environment,
  environmentPage,
  execution,
  executionSummary,
  type EnvironmentPage,
  type People,
} from '../api/wire-readers.js';
import { RefusedError } from '../api/refusal.js';
import { nameAndValue } from '../command/option-values.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { formatDuration } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { addClientOptions, addPageOptions, type Done, EXECUTION } from './client-options.js';
import { renderExecution } from './execution-view.js';
import { deploymentBeginning } from './find-deployment.js';
import { findExecution } from './find-execution.js';
import { renderDeployment } from './deployment-view.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

interface AnswerFlags extends ClientFlags {
  readonly reason?: string;
  readonly override?: boolean;
  readonly step?: string;
  readonly input?: NameRecord<string>;
}

const WAITING = `${EXECUTION}; or the id of a deployment`;

/** Commands for environments, and for what waits for people. */
export function addApprovalCommands(program: Command, terminal: Terminal, setExitCode: Done): void {
  const environments = program.command('environments').description('Where services run');
  addPageOptions(
    addClientOptions(
      environments
        .command('list', { isDefault: true })
        .description('Who may deploy where, and who approves'),
    ),
  ).action(async (flags: PageFlags) => {
    setExitCode(await listEnvironments(flags, terminal));
  });
  addClientOptions(
    environments
      .command('show')
      .description('One of them: its rules, what serves there, and what waits')
      .argument('<environment>', 'such as production'),
  ).action(async (name: string, flags: ClientFlags) => {
    setExitCode(await showEnvironment(name, flags, terminal));
  });
  addClientOptions(
    program
      .command('approve')
      .description('Approve a step or a deployment that waits for it')
      .argument('<execution>', WAITING)
      .option('--step <name>', 'of an execution: the step, or stage/step, where several wait')
      .option(
        '--input <name=value>',
        'value of an input that the step asks for; may be repeated',
        nameAndValue,
      )
      .option('--reason <text>', 'kept with the approval')
      .option('--override', 'as an administrator, in the place of all approvals; needs --reason'),
  ).action(async (id: string, flags: AnswerFlags) => {
    setExitCode(await answer('approve', id, flags, terminal));
  });
  addClientOptions(
    program
      .command('reject')
      .description('Say no to a step or a deployment that waits for approvals: it fails')
      .argument('<execution>', WAITING)
      .option('--step <name>', 'of an execution: the step, or stage/step, where several wait')
      .option('--reason <text>', 'kept, and shown with it'),
  ).action(async (id: string, flags: AnswerFlags) => {
    setExitCode(await answer('reject', id, flags, terminal));
  });
}

async function listEnvironments(flags: PageFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  return printPage(session, flags, {
    path: '/api/environments',
    reader: environment,
    none: 'No environments.',
    columns: [
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'DEPLOYERS', text: ({ deployers }) => peopleText(deployers), narrow: 'note' },
      { title: 'BRANCHES', text: ({ branches }) => branches?.join(', ') ?? 'all', narrow: 'note' },
      { title: 'APPROVALS', text: ({ required }) => String(required), align: 'right' },
      { title: 'BY', text: ({ approvers }) => peopleText(approvers), narrow: 'note' },
      { title: 'WAIT', text: ({ wait }) => waitText(wait) },
    ],
  });
}

async function showEnvironment(
  name: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const path = `/api/environments/${encodeURIComponent(name)}`;
  return session.show(path, environmentPage, (page) => {
    for (const line of renderEnvironment(page, session)) terminal.print(line);
  });
}

async function answer(
  what: 'approve' | 'reject',
  reference: string,
  { reason, override, step, input, ...flags }: AnswerFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const said = {
    ...(reason !== undefined && { reason }),
    ...(override === true && { override }),
  };
  const isStep = step !== undefined || input !== undefined;
  const beginning = isStep ? undefined : await deploymentBeginning(session.api, reference);
  const id = beginning === undefined ? await executionNamed(session, reference, isStep) : undefined;
  if (id !== undefined) {
    const body = { ...said, ...(step !== undefined && { step }), ...(input && { inputs: input }) };
    return answerStep(session, `/api/ci/executions/${id}/${what}`, body);
  }
  const path = `/api/deployments/${beginning ?? reference}/${what}`;
  const answered = await session.api.read({ method: 'POST', path, body: said }, deployment);
  if (session.json) session.printJson(answered.json);
  else for (const line of renderDeployment(answered.value)) terminal.print(line);
  return exitCodes.success;
}

/** Undefined: it is no execution, so it may be a deployment. */
async function executionNamed(
  { api }: Session,
  reference: string,
  isExecution: boolean,
): Promise<string | undefined> {
  if (isExecution || !isUuid(reference)) return findExecution(api, reference);
  try {
    return (await api.get(`/api/ci/executions/${reference}`, executionSummary)).id;
  } catch (error) {
    // A token of somebody who only answers deployments may read no execution.
    if (error instanceof RefusedError && [403, 404].includes(error.status)) return undefined;
    throw error;
  }
}

async function answerStep(session: Session, path: string, body: object): Promise<number> {
  const answered = await session.api.read({ method: 'POST', path, body }, execution);
  if (session.json) {
    session.printJson(answered.json);
    return exitCodes.success;
  }
  const { terminal, moments } = session;
  const commandLine = (command: string): string => session.commandLine(command);
  for (const line of renderExecution(answered.value, terminal, moments, commandLine)) {
    terminal.print(line);
  }
  return exitCodes.success;
}

/** Lines for people. */
export function renderEnvironment(
  page: EnvironmentPage,
  { moments }: Pick<Session, 'moments'>,
): string[] {
  const { name, deployers, approvers, required, wait, branches, allow_self: self } = page;
  const approvals = `${required}, by ${peopleText(approvers)}${self ? ', also of their own' : ''}`;
  return [
    `${cleanText(name)}${page.configured ? '' : ': no limits'}`,
    `  deployers  ${peopleText(deployers)}`,
    `  branches   ${branches === null ? 'all' : cleanText(branches.join(', '))}`,
    `  approvals  ${required === 0 ? 'none' : approvals}`,
    `  wait       ${waitText(wait)}`,
    ...page.services.flatMap(({ name: service, release, commit, since, waiting }) => [
      release === null || since === null
        ? `  ${cleanText(service)}: nothing serves`
        : `  ${cleanText(service)}: release ${release}, ${cleanText(commit ?? 'of no commit')}, since ${moments.ago(since)}`,
      ...waiting.map(
        (one) =>
          `    ${cleanText(one.kind)} ${cleanText(one.deployment_id)} ${cleanText(one.status)}${one.reason === null ? '' : `: ${cleanText(one.reason.message)}`}`,
      ),
    ]),
  ];
}

function peopleText(people: People | null): string {
  if (people === null) return 'all';
  const roles = people.roles.map((role) => `role ${role}`);
  const all = [...people.users, ...roles];
  return all.length === 0 ? 'nobody' : cleanText(all.join(', '));
}

function waitText(seconds: number): string {
  return seconds === 0 ? 'none' : formatDuration(seconds * 1000);
}
