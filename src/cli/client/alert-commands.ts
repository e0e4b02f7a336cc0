import { type Command, InvalidArgumentError } from 'commander';
import { type Alert, alert, executionAlert, service } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';
import { addClientOptions, addPageOptions, type Done, PIPELINE } from './client-options.js';
import { findPipeline } from './find-pipeline.js';
import { type PageFlags, printPage } from './list-page.js';
import { maintenanceText, SERVICE, servicePath } from './service-commands.js';
import { type ClientFlags, Session } from './session.js';

interface AlertFlags extends PageFlags {
  readonly monitor?: boolean;
}

interface MaintenanceFlags extends ClientFlags {
  readonly for?: number;
  readonly reason?: string;
  readonly end?: boolean;
}

const MINUTES: ReadonlyMap<string, number> = new Map([
  ['m', 1],
  ['h', 60],
  ['d', 1440],
]);

/** Adds to `services` what people are told of a service, and when they are not. */
export function addAlertCommands(services: Command, terminal: Terminal, setExitCode: Done): void {
  addPageOptions(
    addClientOptions(
      services
        .command('alerts')
        .description('What was told of one of them, and to whom it was delivered')
        .argument('<service>', SERVICE)
        .option('--monitor', 'what was told of the monitor that looks after it'),
    ),
  ).action(async (name: string, flags: AlertFlags) => {
    setExitCode(await listAlerts(name, flags, terminal));
  });
  addClientOptions(
    services
      .command('maintenance')
      .description('Tell nobody what becomes of one of them for a time')
      .argument('<service>', SERVICE)
      .option('--for <time>', 'how long, such as 30m, 2h or 1d', minutesOf)
      .option('--reason <text>', 'kept, and shown with the service')
      .option('--end', 'end it now'),
  ).action(async (name: string, flags: MaintenanceFlags) => {
    setExitCode(await changeMaintenance(name, flags, terminal));
  });
}

/** Adds to `pipelines` what people are told of how their executions end. */
export function addPipelineAlerts(pipelines: Command, terminal: Terminal, setExitCode: Done): void {
  addPageOptions(
    addClientOptions(
      pipelines
        .command('alerts')
        .description('What was told of ends of executions, and to whom it was delivered')
        .argument('<pipeline>', PIPELINE),
    ),
  ).action(async (name: string, flags: PageFlags) => {
    setExitCode(await listPipelineAlerts(name, flags, terminal));
  });
}

/** `30m`, `2h` or `1d` as minutes. @throws InvalidArgumentError */
export function minutesOf(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const minutes = Number(count) * (MINUTES.get(unit) ?? 0);
  if (count !== '' && minutes > 0) return minutes;
  throw new InvalidArgumentError('It must be like 30m, 2h or 1d.');
}

async function listAlerts(name: string, flags: AlertFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  return printPage(session, flags, {
    path: `${servicePath(name)}/alerts`,
    query: { of: flags.monitor === true ? 'monitor' : undefined },
    reader: alert,
    none: 'No alerts. `services` shows how each is; docs/services.md says how alerts get a channel.',
    columns: [
      { title: 'WHEN', text: ({ at }) => moments.ago(at) },
      {
        title: 'STATUS',
        text: ({ status }) => status,
        paint: (text, { status }) => paintStatus(terminal, status, text),
      },
      { title: 'WHY', text: ({ reason }) => reason.message, narrow: 'note' },
      { title: 'TOLD', text: (one) => deliveriesText(one), narrow: 'note' },
    ],
  });
}

async function listPipelineAlerts(
  name: string,
  flags: PageFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  const id = await findPipeline(session.api, name);
  return printPage(session, flags, {
    path: `/api/ci/pipelines/${id}/alerts`,
    reader: executionAlert,
    none: 'No alerts. docs/notifications.md says how a pipeline gets a channel.',
    columns: [
      { title: 'WHEN', text: ({ at }) => moments.ago(at) },
      { title: 'EXECUTION', text: ({ execution_id: execution }) => execution, narrow: 'whole-id' },
      { title: 'BRANCH', text: ({ branch }) => branch ?? '', narrow: 'note' },
      {
        title: 'STATUS',
        text: ({ status }) => status,
        paint: (text, { status }) => paintStatus(terminal, status, text),
      },
      { title: 'WHY', text: ({ reason }) => reason?.message ?? '', narrow: 'note' },
      { title: 'TOLD', text: (one) => deliveriesText(one), narrow: 'note' },
    ],
  });
}

/** Each channel with what became of it. */
export function deliveriesText({ deliveries }: Pick<Alert, 'deliveries'>): string {
  const texts = deliveries.map(({ channel, state, attempts, reason }) => {
    const why = state === 'delivered' || reason === null ? '' : `, ${reason.message}`;
    if (state === 'skipped') return `${channel} skipped${reason ? ` (${reason.message})` : ''}`;
    const tries = state === 'delivered' || attempts === 0 ? '' : ` (${attempts} tries${why})`;
    return `${channel} ${state}${tries}`;
  });
  return texts.length === 0 ? 'nobody' : cleanText(texts.join('; '));
}

async function changeMaintenance(
  name: string,
  flags: MaintenanceFlags,
  terminal: Terminal,
): Promise<number> {
  const { for: minutes, reason, end = false } = flags;
  if (end === (minutes !== undefined)) {
    throw new CommandError('Say how long by --for 30m, or --end.', exitCodes.usage);
  }
  const session = Session.open(flags, terminal);
  const path = `${servicePath(name)}/maintenance`;
  const body = { minutes, ...(reason !== undefined && { reason }) };
  const { value, json } = await session.api.read(
    end ? { method: 'DELETE', path } : { method: 'POST', path, body },
    service,
  );
  if (session.json) session.printJson(json);
  else {
    const { environment, name: own, maintenance } = value;
    const text = maintenance === null ? 'no maintenance' : maintenanceText(maintenance);
    terminal.print(`${cleanText(environment)}/${cleanText(own)}: ${text}`);
  }
  return exitCodes.success;
}
