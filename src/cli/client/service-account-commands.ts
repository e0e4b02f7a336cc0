import { serviceAccount } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { findServiceAccount } from './find-service-account.js';
import { type PageFlags, printPage } from './list-page.js';
import { type ClientFlags, Session } from './session.js';

const NO_CONTENT = 204;

export async function listServiceAccounts(flags: PageFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  return printPage(session, flags, {
    path: '/api/service-accounts',
    reader: serviceAccount,
    none: 'No service accounts. Make one: ./millrace service-accounts create NAME',
    columns: [
      { title: 'ID', text: ({ id }) => id, narrow: 'id' },
      { title: 'NAME', text: ({ name }) => name, narrow: 'name' },
      { title: 'CREATED', text: ({ created_at }) => session.moments.ago(created_at) },
      { title: 'DESCRIPTION', text: ({ description }) => description, narrow: 'note' },
    ],
  });
}

export async function createServiceAccount(
  name: string,
  { description, ...flags }: ClientFlags & { readonly description?: string },
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const request = { method: 'POST', path: '/api/service-accounts', body: { name, description } };
  const { value, json } = await session.api.read(request, serviceAccount);
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  terminal.print(`${value.id}  ${value.name}`);
  terminal.say(
    `Make it a token: ./millrace tokens create TOKEN-NAME --service-account ${value.name} --scope executions:trigger`,
  );
  return exitCodes.success;
}

export async function deleteServiceAccount(
  reference: string,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<number> {
  const session = Session.open(flags, terminal);
  const id = await findServiceAccount(session.api, reference);
  const request = { method: 'DELETE', path: `/api/service-accounts/${id}` };
  const { answer } = await session.api.text(request);
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) terminal.print(`Deleted ${cleanText(reference)} and all of its tokens.`);
  return exitCodes.success;
}
