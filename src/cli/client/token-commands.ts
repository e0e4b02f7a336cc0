import { madeToken, token, type Token } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findListed, type ListedKind } from './find-listed.js';
import { findServiceAccount } from './find-service-account.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

/** Whose tokens: of the service account if one is named, else the own ones. */
export interface TokenFlags extends ClientFlags {
  readonly serviceAccount?: string;
}

export interface CreateTokenFlags extends TokenFlags {
  readonly scope: readonly string[];
  readonly days?: number;
}

const NO_CONTENT = 204;
const TOKEN: Omit<ListedKind<Token>, 'path'> = {
  reader: token,
  idOf: ({ id }) => id,
  singular: 'token',
  plural: 'tokens',
  listedBy: 'See what there is: ./millrace tokens',
  line: ({ id, name }) => `${id}  ${cleanText(name)}`,
};

export async function listTokens(
  flags: TokenFlags & PageFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const { moments } = session;
  return printPage(session, flags, {
    path: await pathOf(session, flags),
    reader: token,
    none: 'No tokens.',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'ENDS', text: ({ expires_at }) => moments.local(expires_at) },
      {
        title: 'LAST USE',
        text: ({ used_at }) => (used_at === null ? 'never' : moments.ago(used_at)),
        narrow: 'note',
      },
      { title: 'SCOPES', text: ({ scopes }) => scopes.join(' '), narrow: 'note' },
    ],
  });
}

/** The token alone is the result, so that a script can keep it; it is shown this once. */
export async function createToken(
  name: string,
  { scope, days, ...flags }: CreateTokenFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const path = await pathOf(session, flags);
  const body = { name, scopes: scope, expires_in_days: days };
  const { value, json } = await session.api.read({ method: 'POST', path, body }, madeToken);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  terminal.print(cleanText(value.token));
  terminal.say(
    `This is the token "${value.name}" (${value.id}), shown this once. It ends at ${session.moments.local(value.expires_at)} and may: ${value.scopes.join(', ')}.`,
  );
  return exitCodes.success;
}

export async function revokeToken(
  reference: string,
  flags: TokenFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const list = await pathOf(session, flags);
  const id = await findListed(session.api, { ...TOKEN, path: list }, reference);
  const path = `${list}/${id}`;
  const { answer } = await session.api.text({ method: 'DELETE', path, repeatable: true });
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) terminal.print(`Revoked ${id}. Nobody can use it any more.`);
  return exitCodes.success;
}

async function pathOf({ api }: Session, { serviceAccount }: TokenFlags): Promise<string> {
  if (serviceAccount === undefined) return '/api/tokens';
  return `/api/service-accounts/${await findServiceAccount(api, serviceAccount)}/tokens`;
}
