import { Option, type Command } from 'commander';
import { readJson } from '../api/answer-shape.js';
import {
  deployment,
  instanceDeployment,
  removal,
  type RemovalPlan,
  removalPlan,
  type Service,
  service,
  type ServiceHealth,
  serviceHealth,
  serviceLog,
} from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { wholeNumber } from '../command/option-values.js';
import { untilDone } from './deployment-commands.js';
import { cleanText } from '../terminal/clean-text.js';
import { paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { addClientOptions, addPageOptions, type Done } from './client-options.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

export const SERVICE = 'name, environment/name or id; without an environment: default';
const MOST_LINES = 5_000;
const NO_CONTENT = 204;
/** A gate and a drain take their time. */
const INSTANCE_WAIT_MS = 120_000;
const STATES = ['starting', 'running', 'degraded', 'stopped', 'failed', 'unknown'];

interface ServiceListFlags extends PageFlags {
  readonly environment?: string;
  readonly tag?: string;
  readonly status?: string;
}

interface HealthFlags extends PageFlags {
  readonly resolution: string;
}

interface StopFlags extends ClientFlags {
  readonly reason?: string;
}

interface RemoveFlags extends ClientFlags {
  readonly plan?: boolean;
}

interface LogFlags extends ClientFlags {
  readonly lines?: number;
}

/**
 * Commands for the registry: which services there are, how they are and were.
 * @returns the command `services`
 */
export function addServiceCommands(
  program: Command,
  terminal: Terminal,
  setExitCode: Done,
): Command {
  const services = program
    .command('services')
    .description('What was deployed or registered, and how it is');
  addPageOptions(
    addClientOptions(
      services
        .command('list', { isDefault: true })
        .description('Services, by environment and name')
        .option('-e, --environment <name>', 'only those of this one')
        .option('--tag <tag>', 'only those with it')
        .addOption(new Option('--status <status>', 'only those that are so').choices(STATES)),
    ),
  ).action(async (flags: ServiceListFlags) => {
    setExitCode(await listServices(flags, terminal));
  });
  addClientOptions(
    services
      .command('show')
      .description('One of them: its state, why it is so, and what each endpoint answers')
      .argument('<service>', SERVICE),
  ).action(async (name: string, flags: ClientFlags) => {
    setExitCode(await showService(name, flags, terminal));
  });
  addClientOptions(
    services
      .command('remove')
      .description('Take one out of service, with its releases, instances, ports and history')
      .argument('<service>', SERVICE)
      .option('--plan', 'only say what that would take away'),
  ).action(async (name: string, flags: RemoveFlags) => {
    setExitCode(await removeService(name, flags, terminal));
  });
  addInstanceCommands(services, terminal, setExitCode);
  addClientOptions(
    services
      .command('logs')
      .description('What the instance that serves has said last')
      .argument('<service>', SERVICE)
      .option('--lines <number>', 'the last ones; without it: 100', wholeNumber(1, MOST_LINES)),
  ).action(async (name: string, flags: LogFlags) => {
    setExitCode(await showLog(name, flags, terminal));
  });
  addPageOptions(
    addClientOptions(
      services
        .command('health')
        .description('How one of them was: its changes, the newest first, and what was seen')
        .argument('<service>', SERVICE)
        .addOption(
          new Option('--resolution <each>', 'what was seen, for each')
            .choices(['minute', 'hour'])
            .default('hour'),
        ),
    ),
  ).action(async (name: string, flags: HealthFlags) => {
    setExitCode(await showHealth(name, flags, terminal));
  });
  return services;
}

/** What is done to the instance of a service, while its release stays. */
function addInstanceCommands(services: Command, terminal: Terminal, setExitCode: Done): void {
  const does = (name: string, what: string): Command =>
    addClientOptions(services.command(name).description(what).argument('<service>', SERVICE));
  does('stop', 'Stop one: its release stays, and nothing runs it before it is started')
    .option('--reason <text>', 'shown for as long as it is stopped')
    .action(async (name: string, { reason, ...flags }: StopFlags) => {
      const body = reason === undefined ? {} : { reason };
      setExitCode(await askInstance({ name, what: 'stop', body }, flags, terminal));
    });
  does('start', 'Start one that was stopped: the same release serves again').action(
    async (name: string, flags: ClientFlags) => {
      setExitCode(await askInstance({ name, what: 'start' }, flags, terminal));
    },
  );
  does('restart', 'Let another instance take the place of the one that serves').action(
    async (name: string, flags: ClientFlags) => {
      setExitCode(await askInstance({ name, what: 'restart' }, flags, terminal));
    },
  );
}

async function listServices(flags: ServiceListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  const { environment, tag, status } = flags;
  return printPage(session, flags, {
    path: '/api/services',
    query: { environment, tag, status },
    reader: service,
    none: 'No services. A step deploys one by `deploy`; docs/services.md says how one is registered.',
    columns: [
      { title: 'SERVICE', text: nameOf, narrow: 'name' },
      { title: 'TYPE', text: ({ service_type: type }) => type },
      {
        title: 'STATUS',
        text: (one) => one.status,
        paint: (text, one) => paintStatus(terminal, one.status, text),
      },
      { title: 'SINCE', text: ({ since }) => moments.ago(since) },
      { title: 'WHY', text: ({ reason }) => reason.message, narrow: 'note' },
    ],
  });
}

async function showService(name: string, flags: ClientFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  return session.show(servicePath(name), service, (one) => {
    for (const line of renderService(one)) terminal.print(line);
  });
}

async function showLog(
  name: string,
  { lines, ...flags }: LogFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = lines === undefined ? '' : `?lines=${lines}`;
  return session.show(`${servicePath(name)}/logs${query}`, serviceLog, (log) => {
    for (const line of log.lines) terminal.print(cleanText(line));
    if (log.lines.length === 0) terminal.say(`release ${log.release} has said nothing`);
  });
}

/**
 * Says what goes, and lets it go. What was deployed takes a while: waits for its end, which is the
 * exit code; at most 10 s.
 */
async function removeService(
  name: string,
  { plan = false, ...flags }: RemoveFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const planned = `${servicePath(name)}/removal`;
  if (plan) {
    return session.show(planned, removalPlan, (one) => {
      for (const line of renderRemovalPlan(one)) terminal.print(line);
    });
  }
  const { value } = await session.api.read({ method: 'GET', path: planned }, removalPlan);
  for (const line of renderRemovalPlan(value)) terminal.say(line);
  const request = { method: 'DELETE', path: servicePath(name) } as const;
  const { text: json, answer } = await session.api.text(request);
  if (answer.status === NO_CONTENT) {
    if (!session.json) terminal.print(`Removed ${cleanText(name)}.`);
    return exitCodes.success;
  }
  const { deployment_id: id } = session.api.shaped(request, () => readJson(json, removal));
  const path = `/api/deployments/${id}`;
  return untilDone(session, await session.api.read({ method: 'GET', path }, deployment));
}

/** Waits for the end of the deployment that does it, which is the exit code; at most 2 min. */
async function askInstance(
  { name, what, body }: { readonly name: string; readonly what: string; readonly body?: object },
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const path = `${servicePath(name)}/${what}`;
  const asked = await session.api.read({ method: 'POST', path, body }, instanceDeployment);
  const now = `/api/deployments/${asked.value.deployment_id}`;
  const first = await session.api.read({ method: 'GET', path: now }, deployment);
  return untilDone(session, first, INSTANCE_WAIT_MS);
}

async function showHealth(name: string, flags: HealthFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { limit, cursor, resolution } = flags;
  const asked = new URLSearchParams({ resolution, limit: String(limit) });
  if (cursor !== undefined) asked.set('cursor', cursor);
  return session.show(`${servicePath(name)}/health?${asked.toString()}`, serviceHealth, (one) => {
    terminal.print(`${nameOf(one)}: ${cleanText(one.status)}, ${cleanText(one.reason.message)}`);
    terminal.print(renderChanges(one, session));
    if (one.actions.length > 0) terminal.print(renderActions(one, session));
    if (one.rows.length > 0) terminal.print(renderRows(one, terminal));
    else terminal.say('Nothing was seen of it within this time.');
    if (one.next_cursor !== null) terminal.say(`More: --cursor ${cleanText(one.next_cursor)}`);
  });
}

/** What the removal of a service takes away, for people. */
export function renderRemovalPlan({ environment, name, services }: RemovalPlan): string[] {
  return [
    `${cleanText(environment)}/${cleanText(name)} is removed, with what is registered of it and the history of its health.`,
    ...services.flatMap(({ service: id, host, ...things }) => {
      const { releases, folders, instances, images, ports, routes } = things;
      const all = { releases, folders, instances, images, ports, routes };
      const lines = Object.entries(all).flatMap(([what, each]) =>
        each.length === 0 ? [] : [`  ${what.padEnd(10)} ${cleanText(each.join(', '))}`],
      );
      return lines.length === 0 ? [] : [`Of ${cleanText(id)} on ${cleanText(host)}:`, ...lines];
    }),
    ...(services.length === 0 ? [] : ['What its application has written stays.']),
  ];
}

/** Lines for people. */
export function renderService(one: Service): string[] {
  const { status, reason, host, endpoints, tags, dependencies } = one;
  const { root_cause: root, maintenance } = one;
  return [
    `${nameOf(one)}: ${cleanText(status)} since ${cleanText(one.since)}`,
    `  why        ${cleanText(reason.message)}`,
    ...(root === null
      ? []
      : [
          `  cause      ${cleanText(root.service)} is ${root.status} since ${cleanText(root.since)}`,
        ]),
    ...(maintenance === null ? [] : [`  ${maintenanceText(maintenance)}`]),
    `  type       ${cleanText(one.service_type)}${host === null ? '' : `, on ${cleanText(host)}`}`,
    ...endpoints.map(({ url, status: state, problem }) => {
      const why = problem === null ? '' : `: ${cleanText(problem.message)}`;
      return `  endpoint   ${cleanText(url)} ${state ?? 'not asked'}${why}`;
    }),
    ...(tags.length === 0 ? [] : [`  tags       ${tags.map(cleanText).join(', ')}`]),
    ...(dependencies.length === 0
      ? []
      : [`  needs      ${dependencies.map(cleanText).join(', ')}`]),
  ];
}

/** In one line. */
export function maintenanceText({ until, reason }: NonNullable<Service['maintenance']>): string {
  const why = reason === null ? '' : `: ${cleanText(reason)}`;
  return `maintenance until ${cleanText(until)}${why}`;
}

/** What was done by itself; none: nothing more is. */
function renderActions({ actions }: ServiceHealth, { terminal, moments }: Session): string {
  return renderTable(
    actions,
    [
      { title: 'WHEN', text: ({ at }) => moments.ago(at) },
      { title: 'ACTION', text: ({ action }) => action, narrow: 'name' },
      { title: 'WHY', text: ({ reason }) => reason.message, narrow: 'note' },
    ],
    terminal,
  );
}

function renderChanges({ changes }: ServiceHealth, { terminal, moments }: Session): string {
  return renderTable(
    changes,
    [
      { title: 'WHEN', text: ({ at }) => moments.ago(at) },
      { title: 'FROM', text: ({ from }) => from ?? '' },
      {
        title: 'TO',
        text: ({ to }) => to,
        paint: (text, { to }) => paintStatus(terminal, to, text),
      },
      { title: 'WHY', text: ({ reason }) => reason.message, narrow: 'note' },
    ],
    terminal,
  );
}

function renderRows({ rows }: ServiceHealth, terminal: Terminal): string {
  return renderTable(
    rows,
    [
      { title: 'TIME', text: ({ at }) => at },
      { title: 'PROBES', text: ({ probes }) => String(probes), align: 'right' },
      { title: 'FAILED', text: ({ failed }) => String(failed), align: 'right' },
      {
        title: 'OBSERVED',
        text: ({ observed_ms: ms }) => `${Math.round(ms / 1000)} s`,
        align: 'right',
      },
      { title: 'AVERAGE', text: ({ average_ms: ms }) => `${ms} ms`, align: 'right' },
      { title: 'MOST', text: ({ max_ms: ms }) => `${ms} ms`, align: 'right' },
    ],
    terminal,
  );
}

function nameOf({ environment, name }: { readonly environment: string; readonly name: string }) {
  return `${cleanText(environment)}/${cleanText(name)}`;
}

/** @param name as a user writes it */
export function servicePath(name: string): string {
  const isId = name.includes('/') || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);
  return `/api/services/${encodeURIComponent(isId ? name : `default/${name}`)}`;
}
