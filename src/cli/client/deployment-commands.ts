import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Read } from '../api/api-client.js';
import { type Deployment, deployment, page, rollbackPlan } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodeOfStatus, exitCodes } from '../command/exit-codes.js';
import { wholeNumber } from '../command/option-values.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { addApprovalCommands } from './approval-commands.js';
import { addClientOptions, addPageOptions, type Done } from './client-options.js';
import { renderDeployment, renderRollbackPlan, whatOf } from './deployment-view.js';
import { findDeployment } from './find-deployment.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

export const SERVICE = 'name, or environment/name; without an environment: default';
const POLL_MS = 500;
/** A rollback takes a second; one that waits in line is left to itself. */
const WAIT_MS = 10_000;
const MAX_PORT = 65_535;
const MAX_RELEASE = 2 ** 31 - 1;

interface DeploymentListFlags extends PageFlags {
  readonly service?: string;
}

interface PromoteFlags extends ClientFlags {
  readonly path?: string;
  readonly port?: number;
  readonly domain?: string;
  readonly currentEnvironment?: true;
}

interface RollbackFlags extends ClientFlags {
  readonly release?: number;
  readonly currentEnvironment?: true;
  readonly plan?: true;
}

/** Commands for what is in service: deployments and going back. */
export function addDeploymentCommands(
  program: Command,
  terminal: Terminal,
  setExitCode: Done,
): void {
  const deployments = program.command('deployments').description('What was put into service');
  addPageOptions(
    addClientOptions(
      deployments
        .command('list', { isDefault: true })
        .description('Deployments and rollbacks, the newest first')
        .option('-s, --service <service>', `only those of this one: ${SERVICE}`),
    ),
  ).action(async (flags: DeploymentListFlags) => {
    setExitCode(await listDeployments(flags, terminal));
  });
  addClientOptions(
    deployments
      .command('show')
      .description('One of them: what it did, and why')
      .argument('<deployment>', 'its id, as `deployments` shows it'),
  ).action(async (id: string, flags: ClientFlags) => {
    setExitCode(await showDeployment(id, flags, terminal));
  });
  addApprovalCommands(program, terminal, setExitCode);
  addClientOptions(
    program
      .command('promote')
      .description('Let the release of a deployment serve in another environment too')
      .argument('<deployment>', 'its id, as `deployments` shows it')
      .argument('<environment>', 'such as production')
      .option('--path <folder>', 'of a folder: where it is to live there; needed the first time')
      .option(
        '--port <number>',
        'of a program: where it is reached there, on 127.0.0.1',
        wholeNumber(1, MAX_PORT),
      )
      .option('--domain <name>', 'of a program: where it is reached there')
      .option('--current-environment', 'of a program: with the variables of what serves there now'),
  ).action(async (id: string, environment: string, flags: PromoteFlags) => {
    setExitCode(await promote(id, environment, flags, terminal));
  });
  addClientOptions(
    program
      .command('rollback')
      .description('Let an earlier release of a service serve again')
      .argument('<service>', SERVICE)
      .option(
        '--release <number>',
        'which one; without it: the one that served before',
        wholeNumber(1, MAX_RELEASE),
      )
      .option('--current-environment', 'with the variables and secrets of what serves now')
      .option('--plan', 'only say what it would do'),
  ).action(async (service: string, flags: RollbackFlags) => {
    setExitCode(await rollback(service, flags, terminal));
  });
}

async function listDeployments(flags: DeploymentListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  return printPage(session, flags, {
    path: '/api/deployments',
    query: flags.service === undefined ? {} : { ...serviceOf(flags.service) },
    reader: deployment,
    none: 'No deployments. A step deploys by `deploy: { type: local_directory, service: NAME }`, and `deploy IMAGE` does without one.',
    columns: [
      { title: 'ID', text: ({ deployment_id: id }) => id, narrow: 'id' },
      {
        title: 'SERVICE',
        text: ({ environment, service }) => `${environment}/${service}`,
        narrow: 'name',
      },
      { title: 'WHAT', text: whatOf, narrow: 'note' },
      { title: 'STATUS', text: ({ status }) => status },
      { title: 'WHEN', text: ({ created_at: at }) => moments.ago(at) },
      { title: 'WHY', text: ({ reason }) => reason?.message ?? '', narrow: 'note' },
    ],
  });
}

async function showDeployment(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findDeployment(session.api, reference);
  return session.show(`/api/deployments/${id}`, deployment, (one) => {
    for (const line of renderDeployment(one)) terminal.print(line);
  });
}

/** Says what is different today, asks for it, and waits for its end, which is the exit code. */
async function rollback(
  service: string,
  flags: RollbackFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = new URLSearchParams({ ...serviceOf(service), limit: '1' }).toString();
  const newest = await session.api.read(
    { method: 'GET', path: `/api/deployments?${query}` },
    page(deployment, 1),
  );
  const [latest] = newest.value.items;
  if (latest === undefined) {
    throw new CommandError(`There is no deployment of ${cleanText(service)}.`, exitCodes.notFound, [
      'See those that are: ./millrace deployments',
    ]);
  }
  const path = `/api/deployments/${latest.deployment_id}/rollback`;
  const { release, currentEnvironment, plan } = flags;
  const planned = `${path}${release === undefined ? '' : `?release=${release}`}`;
  if (plan) {
    return session.show(planned, rollbackPlan, (one) => {
      for (const line of renderRollbackPlan(one)) terminal.print(line);
    });
  }
  const { value } = await session.api.read({ method: 'GET', path: planned }, rollbackPlan);
  for (const { message } of value.warnings) terminal.say(`warning: ${cleanText(message)}`);
  const body = {
    ...(release !== undefined && { release }),
    ...(currentEnvironment && { current_environment: true }),
  };
  return doneBy(session, path, body);
}

async function promote(
  reference: string,
  environment: string,
  { path, port, domain, currentEnvironment, ...flags }: PromoteFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const publish = {
    ...(port !== undefined && { port }),
    ...(domain !== undefined && { domain }),
  };
  const body = {
    environment,
    ...(path !== undefined && { path }),
    ...(Object.keys(publish).length > 0 && { publish }),
    ...(currentEnvironment && { current_environment: true }),
  };
  const id = await findDeployment(session.api, reference);
  return doneBy(session, `/api/deployments/${id}/promote`, body);
}

/** Asks for a deployment and waits for its end; one that waits for people is left to them. */
async function doneBy(session: Session, path: string, body: unknown): Promise<number> {
  return untilDone(session, await session.api.read({ method: 'POST', path, body }, deployment));
}

/**
 * Waits for the end of a deployment, which is the exit code.
 * @param waitMs at most; default: 10 s
 */
export async function untilDone(
  session: Session,
  first: Read<Deployment>,
  waitMs = WAIT_MS,
): Promise<number> {
  const { terminal } = session;
  let asked = first;
  const giveUpAt = performance.now() + waitMs;
  while (!isOver(asked.value) && !isGated(asked.value) && performance.now() < giveUpAt) {
    await delay(POLL_MS);
    const now = `/api/deployments/${asked.value.deployment_id}`;
    asked = await session.api.read({ method: 'GET', path: now }, deployment);
  }
  if (session.json) session.printJson(asked.json);
  else for (const line of renderDeployment(asked.value)) terminal.print(line);
  const { deployment_id: id, status } = asked.value;
  if (isOver(asked.value)) return exitCodeOfStatus(status);
  terminal.say(`It is not over yet: ./millrace deployments show ${cleanText(id)}`);
  return exitCodes.failed;
}

function isOver({ status }: Deployment): boolean {
  return ['success', 'failed', 'cancelled'].includes(status);
}

/** It waits for people, or for a time that its environment says. */
function isGated({ status, reason }: Deployment): boolean {
  return status === 'waiting' && ['approval_needed', 'wait_time'].includes(reason?.code ?? '');
}

/** Of a name, or `environment/name`. */
export function serviceOf(text: string): {
  readonly environment: string;
  readonly service: string;
} {
  const at = text.indexOf('/');
  return at < 0
    ? { environment: 'default', service: text }
    : { environment: text.slice(0, at), service: text.slice(at + 1) };
}
