import { isUuid, uuidV7 } from '../../common/ids/uuid.js';
import { nameRecord } from '../../common/values/name-record.js';
import type { ApiClient } from '../api/api-client.js';
import { RefusedError } from '../api/refusal.js';
import {
  accepted,
  deployment,
  deploymentExplanation,
  execution,
  executionSummary,
  type ExecutionSummary,
  explanation,
  type Explanation,
  page,
} from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { formatDuration, paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderDeploymentExplanation } from './deployment-view.js';
import { renderExecution, numberedName } from './execution-view.js';
import { type ExplainedDeployments, renderExplanation } from './explanation-view.js';
import { deploymentBeginning } from './find-deployment.js';
import { findExecution, isNewest } from './find-execution.js';
import { findPipeline } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';
import { followTo } from './trigger-command.js';

/** Of one execution, the newest: more are not told. */
const DEPLOYMENTS = 100;

export interface StatusFlags extends PageFlags {
  readonly pipeline?: string;
  readonly state?: string;
  readonly branch?: string;
  /** The limit was asked for. */
  readonly isLimited?: boolean;
}

/** One execution as a tree; without a name the newest ones as a table. */
export async function statusCommand(
  reference: string | undefined,
  flags: StatusFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  if (reference === undefined) return listExecutions(session, flags);
  refuseNeedless(reference, flags);
  const among = await amongOf(session, flags);
  return showOne(session, await findExecution(session.api, reference, among));
}

/** What chooses among executions says nothing of one that is named. @throws CommandError */
function refuseNeedless(reference: string, flags: StatusFlags): void {
  const choosing = (['pipeline', 'state', 'branch'] as const).filter((name) => flags[name]);
  const needless = isNewest(reference) ? [] : choosing;
  const [first] = [
    ...(flags.cursor === undefined ? [] : ['cursor']),
    ...(flags.isLimited ? ['limit'] : []),
    ...needless,
  ];
  if (first === undefined) return;
  throw new CommandError(
    `--${first} chooses among executions, and "${cleanText(reference)}" names one.`,
    exitCodes.usage,
    ['The newest of them: ./millrace status last; all of them: ./millrace status'],
  );
}

/** The executions that are meant, as the server is asked for them. */
async function amongOf(
  { api }: Session,
  { pipeline, state, branch }: StatusFlags,
): Promise<Map<string, string>> {
  const among = new Map<string, string>();
  if (pipeline !== undefined) among.set('pipeline_id', await findPipeline(api, pipeline));
  if (state !== undefined) among.set('status', state);
  if (branch !== undefined) among.set('branch', branch);
  return among;
}

async function showOne(session: Session, id: string): Promise<number> {
  const { terminal, moments } = session;
  return session.show(`/api/ci/executions/${id}`, execution, (value) => {
    const commandLine = (command: string): string => session.commandLine(command);
    for (const line of renderExecution(value, terminal, moments, commandLine)) terminal.print(line);
  });
}

async function listExecutions(session: Session, flags: StatusFlags): Promise<number> {
  const { terminal, moments } = session;
  return printPage(session, flags, {
    path: '/api/ci/executions',
    query: nameRecord(await amongOf(session, flags)),
    reader: executionSummary,
    none: 'No executions. Start one: ./millrace trigger PIPELINE',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'PIPELINE', text: (row) => numberedName(row), narrow: 'name' },
      { title: 'VERSION', text: (row) => `v${row.pipeline_version}`, narrow: 'note' },
      {
        title: 'STATUS',
        text: ({ status }) => status,
        paint: (text, { status }) => paintStatus(terminal, status, text),
      },
      { title: 'BRANCH', text: (row) => refOf(row), narrow: 'note' },
      { title: 'CREATED', text: ({ created_at }) => moments.ago(created_at) },
      {
        title: 'TIME',
        text: ({ duration }) => (duration === null ? '' : formatDuration(duration)),
        align: 'right',
      },
      { title: 'REASON', text: (row) => noteOf(row), narrow: 'note' },
    ],
  });
}

function refOf({ trigger_info }: ExecutionSummary): string {
  return trigger_info.branch ?? trigger_info.tag ?? trigger_info.commit_hash?.slice(0, 12) ?? '';
}

function noteOf({ status, reason }: ExecutionSummary): string {
  return status === 'success' ? '' : (reason?.message ?? '');
}

/** Why everything of an execution is as it is, or, by the id of one, of a deployment. */
export async function explainCommand(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  if (isUuid(reference)) {
    const id = reference.toLowerCase();
    try {
      return await explainExecution(session, id);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return explainDeployment(session, id);
    }
  }
  const deployment = await deploymentBeginning(session.api, reference);
  if (deployment !== undefined) return explainDeployment(session, deployment);
  return explainExecution(session, await findExecution(session.api, reference));
}

async function explainExecution(session: Session, id: string): Promise<number> {
  const { api, terminal } = session;
  const path = `/api/ci/executions/${id}/explain`;
  const { value, json } = await api.read({ method: 'GET', path }, explanation);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const deployments = await deploymentsOf(api, value);
  for (const line of renderExplanation(value, terminal, deployments)) terminal.print(line);
  return exitCodes.success;
}

/** @throws CommandError: there is no such deployment either */
async function explainDeployment(session: Session, id: string): Promise<number> {
  const { terminal, moments } = session;
  try {
    const path = `/api/deployments/${id}/explain`;
    return await session.show(path, deploymentExplanation, (value) => {
      for (const line of renderDeploymentExplanation(value, terminal, moments)) {
        terminal.print(line);
      }
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const message = `There is no execution and no deployment ${id}.`;
    throw new CommandError(message, exitCodes.notFound, [
      'See what there is: ./millrace status, ./millrace deployments',
    ]);
  }
}

/** None where the execution has none, or the caller may not read them. */
async function deploymentsOf(api: ApiClient, told: Explanation): Promise<ExplainedDeployments> {
  const steps = [
    ...told.stages.flatMap((stage) => stage.steps),
    ...told.on_failure,
    ...told.always,
  ];
  if (!steps.some(({ deployments = [] }) => deployments.length > 0)) return new Map();
  try {
    const query = new URLSearchParams({ execution_id: told.id, limit: String(DEPLOYMENTS) });
    const path = `/api/deployments?${query.toString()}`;
    const { items } = await api.get(path, page(deployment, DEPLOYMENTS));
    return new Map(items.map((one) => [one.deployment_id, one]));
  } catch (error) {
    if (error instanceof RefusedError && [403, 404].includes(error.status)) return new Map();
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 404;
}

export async function cancelCommand(
  reference: string,
  flags: ClientFlags & { readonly reason?: string },
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findExecution(session.api, reference);
  const request = {
    method: 'POST',
    path: `/api/ci/executions/${id}/cancel`,
    body: flags.reason === undefined ? {} : { reason: flags.reason },
  };
  const { json } = await session.api.read(request, accepted);
  if (session.json) session.printJson(json);
  else terminal.print(`Cancelled ${id}.`);
  return exitCodes.success;
}

/** The same plan again, at the same commit. */
export async function rerunCommand(
  reference: string,
  flags: ClientFlags & { readonly follow: boolean; readonly cancelOnInterrupt?: boolean },
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const of = await findExecution(session.api, reference);
  const request = {
    method: 'POST',
    path: `/api/ci/executions/${of}/rerun`,
    body: {},
    headers: { 'idempotency-key': uuidV7() },
    repeatable: true,
  };
  const { value, json } = await session.api.read(request, accepted);
  const id = value.execution_id;
  if (flags.follow) return followTo(session, id, flags);
  if (session.json) session.printJson(json);
  else terminal.print(id);
  return exitCodes.success;
}
