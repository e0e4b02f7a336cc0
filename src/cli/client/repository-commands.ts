import { uuidV7 } from '../../common/ids/uuid.js';
import { redactUrls } from '../../common/values/redact-urls.js';
import {
  type CheckedRepository,
  checkedRepository,
  type ConnectedRepository,
  connectedRepository,
  type Repository,
  repository,
} from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findRepository } from './find-repository.js';
import { givenSecret } from './given-secret.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

export interface ConnectFlags extends ClientFlags {
  readonly forge?: string;
  readonly apiUrl?: string;
  readonly remoteId?: string;
  readonly forks?: string;
  readonly protectedTag?: readonly string[];
  /** False: connect without a token of the forge. */
  readonly forgeToken: boolean;
}

const NO_CONTENT = 204;

export async function listRepositories(flags: PageFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  return printPage(session, flags, {
    path: '/api/repositories',
    reader: repository,
    none: 'No repository is connected. Connect one: ./millrace repositories connect URL',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'NAME', text: ({ full_name }) => full_name, narrow: 'name' },
      { title: 'FORGE', text: ({ forge }) => forge },
      { title: 'BRANCH', text: ({ default_branch }) => default_branch, narrow: 'note' },
      { title: 'FORKS', text: ({ forks }) => forks },
      {
        title: 'LAST DELIVERY',
        text: ({ webhook_reached_at: at }) => (at === null ? 'none yet' : moments.ago(at)),
      },
      { title: 'NOTE', text: noteOf, narrow: 'note' },
    ],
  });
}

function noteOf({ problem, webhook, webhook_reached_at: reachedAt }: Repository): string {
  if (problem !== null) return problem.message;
  return webhook === 'to_paste' && reachedAt === null ? 'its webhook is to be pasted' : '';
}

/** The token of the forge comes over standard input, or is typed unseen. */
export async function connectRepository(
  url: string,
  { forge, apiUrl, remoteId, forks, protectedTag, forgeToken, ...flags }: ConnectFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const question = `Token of the forge for ${cleanText(redactUrls(url))} (empty: none): `;
  const token = forgeToken ? await givenSecret(question, terminal) : '';
  const request = {
    method: 'POST',
    path: '/api/repositories',
    body: {
      url,
      forge,
      api_url: apiUrl,
      remote_id: remoteId,
      forks,
      protected_tags: protectedTag,
      token: token === '' ? undefined : token,
    },
    headers: { 'idempotency-key': uuidV7() },
    // To connect again brings the one connection up to date.
    repeatable: true,
  };
  const { value, json } = await session.api.read(request, connectedRepository);
  if (session.json) session.printJson(json);
  else sayConnected(value, terminal);
  return exitCodes.success;
}

export function sayConnected(connected: ConnectedRepository, terminal: Terminal): void {
  const { id, full_name: name, default_branch: branch, has_token: hasToken } = connected;
  terminal.print(`Connected ${name} (${id}).`);
  sayWebhook(connected, terminal);
  if (!hasToken) {
    terminal.say('No token is stored: private files cannot be read, and no statuses are written.');
  }
  if (connected.paste?.url === null) return;
  terminal.say(`Push to ${branch}, then see what came of it: ./millrace deliveries`);
}

/** What is to be done at the forge goes to standard output: it is shown this once. */
function sayWebhook({ paste, why }: ConnectedRepository, terminal: Terminal): void {
  if (paste === null) {
    terminal.print('Millrace has made the webhook at the forge.');
    return;
  }
  terminal.print(`The webhook is not made. ${why ?? ''}`.trimEnd());
  if (paste.url === null) {
    terminal.print('Set PUBLIC_URL to the address of the server, restart it, and connect again.');
    return;
  }
  terminal.print('Paste it at the forge, content type application/json, all events:');
  terminal.print(`  URL     ${paste.url}`);
  terminal.print(`  Secret  ${paste.secret}`);
  terminal.say('The secret is shown this once.');
}

/**
 * What of the connection works now. Exit code 1 where something does not; what was not seen yet is
 * no failure.
 */
export async function checkRepository(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findRepository(session.api, reference);
  const request = {
    method: 'POST',
    path: `/api/repositories/${id}/check`,
    // It changes nothing.
    repeatable: true,
  };
  const { value, json } = await session.api.read(request, checkedRepository);
  if (session.json) session.printJson(json);
  else for (const line of renderCheck(value, terminal)) terminal.print(line);
  return value.parts.every(({ ok }) => ok) ? exitCodes.success : exitCodes.failed;
}

export function renderCheck(
  { parts }: CheckedRepository,
  terminal: Pick<Terminal, 'paint'>,
): string[] {
  const rows = parts.map(({ part, ok, state, message }) => {
    if (!ok) return { part, message, word: 'FAILS', style: 'red' } as const;
    // An older server tells no state.
    const isSeen = state !== 'not_seen';
    return isSeen
      ? ({ part, message, word: 'works', style: 'green' } as const)
      : ({ part, message, word: 'not seen yet', style: 'yellow' } as const);
  });
  const width = Math.max(0, ...rows.map(({ part }) => part.length));
  const wordWidth = Math.max(0, ...rows.map(({ word }) => word.length));
  return rows.map(({ part, word, style, message }) => {
    return `${part.padEnd(width)}  ${terminal.paint(style, word.padEnd(wordWidth))}  ${message}`;
  });
}

export interface ChangeFlags extends ClientFlags {
  readonly forks?: string;
  readonly forkApprovers?: readonly string[];
  readonly reportSkipped?: boolean;
  readonly protectedTag?: readonly string[];
  /** False: none is protected any more. */
  readonly protectedTags: boolean;
}

/** Changes what is named, and prints the settings as they are then. */
export async function changeRepository(
  reference: string,
  { forks, forkApprovers, reportSkipped, protectedTag, protectedTags, ...flags }: ChangeFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findRepository(session.api, reference);
  const request = {
    method: 'PATCH',
    path: `/api/repositories/${id}`,
    body: {
      forks,
      fork_approvers: forkApprovers,
      report_skipped: reportSkipped,
      protected_tags: protectedTags ? protectedTag : [],
    },
    repeatable: true,
  };
  const { value, json } = await session.api.read(request, repository);
  if (session.json) session.printJson(json);
  else for (const line of renderSettings(value)) terminal.print(line);
  return exitCodes.success;
}

export function renderSettings({
  full_name: name,
  forks,
  fork_approvers: approvers,
  report_skipped: reportsSkipped,
  protected_tags: tags,
}: Repository): string[] {
  const who = approvers.length === 0 ? 'all who may approve' : approvers.join(', ');
  return [
    name,
    `  pull requests of other repositories   ${forks}`,
    `  who approves them                     ${who}`,
    `  tells the forge what was not needed   ${reportsSkipped ? 'yes' : 'no'}`,
    `  protected tags                        ${tags.length === 0 ? 'none' : tags.join(' ')}`,
  ];
}

export async function disconnectRepository(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findRepository(session.api, reference);
  const request = { method: 'DELETE', path: `/api/repositories/${id}` };
  const { answer } = await session.api.text(request);
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) {
    terminal.print(
      `Disconnected ${cleanText(reference)}. Its executions stay, its secrets do not.`,
    );
  }
  return exitCodes.success;
}

/** Not sent twice: a second one would end the secret that the forge still uses. */
export async function rotateSecret(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findRepository(session.api, reference);
  const request = { method: 'POST', path: `/api/repositories/${id}/webhook-secret` };
  const { value, json } = await session.api.read(request, connectedRepository);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  terminal.print(`The webhook of ${value.full_name} has a new secret.`);
  if (value.paste !== null) sayWebhook(value, terminal);
  terminal.say('The one before is accepted until the new one was seen, a day at most.');
  return exitCodes.success;
}
