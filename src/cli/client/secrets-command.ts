import { page, secret } from '../api/wire-readers.js';
import type { ListOf, Secret } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { findPipeline } from './find-pipeline.js';
import { findRepository } from './find-repository.js';
import { givenSecret } from './given-secret.js';
import { ownerNames } from './owner-names.js';
import { type ClientFlags, Session } from './session.js';

export interface SecretFlags extends ClientFlags {
  readonly pipeline?: string;
  readonly repository?: string;
}

/** Which runs get the secret; what is absent stays as it is. */
export interface SecretRuleFlags extends SecretFlags {
  readonly events?: readonly string[] | 'all';
  readonly protected?: boolean;
}

export interface SecretListFlags extends SecretFlags {
  readonly limit: number;
  readonly cursor?: string;
}

const NO_CONTENT = 204;

/** Names; there is no command that shows a value. */
export async function listSecrets(flags: SecretListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = await ownerQuery(session, flags);
  query.set('limit', String(flags.limit));
  if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
  const request = { method: 'GET', path: `/api/secrets?${query.toString()}` };
  const { value, json } = await session.api.read(request, page(secret, flags.limit));
  if (session.json) session.printJson(json);
  else await printSecrets(value, session);
  return exitCodes.success;
}

async function printSecrets(
  { items, next_cursor }: ListOf<Secret>,
  session: Session,
): Promise<void> {
  const { terminal, moments } = session;
  if (items.length === 0) {
    terminal.say('No secrets. Set one: ./millrace secrets set NAME <FILE');
    return;
  }
  const names = await ownerNames(session.api, items);
  terminal.print(
    renderTable(
      items,
      [
        { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
        { title: 'SCOPE', text: ({ scope }) => scope, narrow: 'note' },
        {
          title: 'OF',
          text: ({ pipeline_id, repository_id }) => {
            const id = pipeline_id ?? repository_id ?? '';
            return names.get(id) ?? id;
          },
        },
        { title: 'EVENTS', text: eventsOf, narrow: 'note' },
        {
          title: 'PROTECTED',
          text: ({ protected: isProtected }) => (isProtected ? 'yes' : ''),
          narrow: 'note',
        },
        { title: 'UPDATED', text: ({ updated_at }) => moments.ago(updated_at) },
        { title: 'BY', text: ({ updated_by }) => updated_by, narrow: 'note' },
      ],
      terminal,
    ),
  );
  if (next_cursor !== null) terminal.say(`More: --cursor ${cleanText(next_cursor)}`);
}

/** The value comes over standard input, or is typed where nobody sees it: never as an argument. */
export async function setSecret(
  name: string,
  flags: SecretRuleFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = await ownerQuery(session, flags);
  const value = await givenValue(name, terminal);
  const request = {
    method: 'PUT',
    path: `/api/secrets/${encodeURIComponent(name)}?${query.toString()}`,
    body: { value, ...rulesOf(flags) },
    repeatable: true,
  };
  const answer = await session.api.read(request, secret);
  if (session.json) session.printJson(answer.json);
  else {
    terminal.print(`Set ${cleanText(name)}. Runs that begin from now on get this value.`);
    if (hasRules(answer.value)) terminal.say(rulesText(answer.value));
  }
  return exitCodes.success;
}

/** Which runs get it, without its value. */
export async function changeSecret(
  name: string,
  flags: SecretRuleFlags,
  terminal: Terminal,
): Promise<number> {
  const rules = rulesOf(flags);
  if (rules.events === undefined && rules.protected === undefined) {
    throw new CommandError('Nothing is named that could be changed.', exitCodes.usage, [
      'Name --events, --protected or --no-protected; `secrets set` replaces the value.',
    ]);
  }
  const session = Session.open(flags, terminal);
  const query = await ownerQuery(session, flags);
  const request = {
    method: 'PATCH',
    path: `/api/secrets/${encodeURIComponent(name)}?${query.toString()}`,
    body: rules,
    repeatable: true,
  };
  const answer = await session.api.read(request, secret);
  if (session.json) session.printJson(answer.json);
  else terminal.print(`Changed ${cleanText(name)}. ${rulesText(answer.value)}`);
  return exitCodes.success;
}

export async function deleteSecret(
  name: string,
  flags: SecretFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = await ownerQuery(session, flags);
  const path = `/api/secrets/${encodeURIComponent(name)}?${query.toString()}`;
  const { answer } = await session.api.text({ method: 'DELETE', path });
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) terminal.print(`Deleted ${cleanText(name)}.`);
  return exitCodes.success;
}

async function ownerQuery(
  { api }: Session,
  { pipeline, repository }: SecretFlags,
): Promise<URLSearchParams> {
  const query = new URLSearchParams();
  if (pipeline !== undefined) query.set('pipeline_id', await findPipeline(api, pipeline));
  if (repository !== undefined) query.set('repository_id', await findRepository(api, repository));
  return query;
}

async function givenValue(name: string, terminal: Terminal): Promise<string> {
  const value = await givenSecret(`Value of ${cleanText(name)}: `, terminal);
  if (value !== '') return value;
  throw new CommandError('No value was given.', exitCodes.usage, [
    `Give it over standard input: ./millrace secrets set ${cleanText(name)} <FILE`,
  ]);
}

/** As the server takes them. */
function rulesOf({ events, protected: isProtected }: SecretRuleFlags): {
  readonly events: readonly string[] | null | undefined;
  readonly protected: boolean | undefined;
} {
  return { events: events === 'all' ? null : events, protected: isProtected };
}

function hasRules({ events, protected: isProtected }: Secret): boolean {
  return events !== null || isProtected;
}

function rulesText(of: Secret): string {
  const whose = `Runs of ${of.events === null ? 'all events' : eventsOf(of)} get it`;
  if (!of.protected) return `${whose}.`;
  return `${whose}, if they are of the default branch or of a protected tag.`;
}

function eventsOf({ events }: Secret): string {
  return events === null ? 'all' : events.join(', ');
}
