import { auditRecord, type AuditRecord, page, verification } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { shortIds } from '../terminal/short-ids.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { type ClientFlags, Session } from './session.js';

export interface AuditListFlags extends ClientFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly outcome?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface AuditVerifyFlags extends ClientFlags {
  readonly since?: string;
}

const FILTERS = ['actor', 'action', 'target', 'outcome', 'from', 'to', 'cursor'] as const;

/** Who did what, newest first. */
export async function auditList(flags: AuditListFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const query = new URLSearchParams({ limit: String(flags.limit) });
  for (const name of FILTERS) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  const path = `/api/audit?${query.toString()}`;
  const { value, json } = await session.api.read(
    { method: 'GET', path },
    page(auditRecord, flags.limit),
  );
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  const { items, next_cursor: next } = value;
  if (items.length === 0) {
    terminal.say('No such records.');
    return exitCodes.success;
  }
  terminal.print(renderRecords(items, terminal));
  if (next !== null) terminal.say(`More: --cursor ${cleanText(next)}`);
  return exitCodes.success;
}

export function renderRecords(
  records: readonly AuditRecord[],
  terminal: Pick<Terminal, 'columns' | 'paint'>,
): string {
  const shown = (id: string): string =>
    terminal.columns === undefined ? id : shortIds([id]).join('');
  return renderTable(
    records,
    [
      { title: 'SEQ', text: ({ seq }) => String(seq), align: 'right' },
      { title: 'TIME', text: ({ at }) => at },
      {
        title: 'ACTOR',
        text: ({ actor }) => actor.name || shown(actor.id) || actor.kind,
        narrow: 'name',
      },
      { title: 'CLIENT', text: ({ client }) => client, narrow: 'note' },
      { title: 'ACTION', text: ({ action }) => action, narrow: 'name' },
      { title: 'OUTCOME', text: outcomeOf, narrow: 'note' },
      { title: 'TARGET', text: ({ target }) => targetOf(target, shown), narrow: 'name' },
    ],
    terminal,
  );
}

/**
 * Whether every record is as it was stored: asks on until all were looked at. Exit code 1 where one
 * is not.
 */
export async function auditVerify(flags: AuditVerifyFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  let since = flags.since === undefined ? undefined : sinceOf(flags.since);
  let checked = 0;
  for (;;) {
    const path = `/api/audit/verify${since === undefined ? '' : `?${queryOf(since)}`}`;
    const { value, json } = await session.api.read({ method: 'GET', path }, verification);
    checked += value.checked;
    if (!value.complete && value.last.seq > (since?.seq ?? 0)) {
      since = value.last;
      session.api.renewBudget();
      continue;
    }
    if (session.json) session.printJson(json);
    else sayOutcome({ ...value, checked }, terminal);
    return value.holds ? exitCodes.success : exitCodes.failed;
  }
}

function sayOutcome(
  { first_break: broken, checked, last }: ReturnType<typeof verification>,
  terminal: Terminal,
): void {
  if (broken === null) {
    const end = `${last.seq}:${cleanText(last.hash)}`;
    terminal.print(`The audit holds: ${checked} records, the last one ${end}`);
    terminal.say('Note that last one elsewhere: --since finds later whether it is there still.');
    return;
  }
  terminal.print(`The audit is broken at record ${broken.seq}: ${meaningOf(broken.kind)}`);
  terminal.say(`Before it ${checked} records hold. Compare with a backup of the database.`);
}

function meaningOf(kind: string): string {
  switch (kind) {
    case 'missing':
      return 'it is missing.';
    case 'changed':
      return 'it is not what was stored.';
    case 'unlinked':
      return 'the record before it is not the one that it followed.';
    default:
      return cleanText(kind);
  }
}

function sinceOf(text: string): { readonly seq: number; readonly hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) {
    const message = '--since must be a number and a hash, as audit verify prints them.';
    throw new CommandError(message, exitCodes.usage, ['Write it as 1234:0f3a…, 64 digits.']);
  }
  return { seq: Number(seq), hash };
}

function queryOf({ seq, hash }: { readonly seq: number; readonly hash: string }): string {
  return new URLSearchParams({ since_seq: String(seq), since_hash: hash }).toString();
}

function outcomeOf({ outcome, reason }: AuditRecord): string {
  return reason === '' ? outcome : `${outcome}: ${reason}`;
}

function targetOf(target: AuditRecord['target'], shown: (id: string) => string): string {
  return target === null ? '' : `${target.kind} ${target.name || shown(target.id)}`.trim();
}
