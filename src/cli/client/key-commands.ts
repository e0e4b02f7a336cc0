import { setTimeout as sleep } from 'node:timers/promises';
import { encryptionKeys, type EncryptionKeys } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { renderTable } from '../terminal/text-table.js';
import { type ClientFlags, Session } from './session.js';

const PATH = '/api/encryption-keys';
const POLL_MS = 500;
/** A command is over in 20 s. */
const PATIENCE_MS = 15_000;
const NO_CONTENT = 204;

export async function listKeys(flags: ClientFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const { value, json } = await session.api.read({ method: 'GET', path: PATH }, encryptionKeys);
  if (session.json) session.printJson(json);
  else printKeys(value, terminal);
  return exitCodes.success;
}

function printKeys(keys: EncryptionKeys, terminal: Terminal): void {
  terminal.print(
    renderTable(
      keys.keys,
      [
        { title: 'KEY', text: ({ id }) => id, narrow: 'name' },
        { title: 'USE', text: ({ is_primary }) => (is_primary ? 'encrypts' : 'decrypts only') },
      ],
      terminal,
    ),
  );
  terminal.say(
    keys.is_resealing
      ? 'What is stored is being encrypted by the first key.'
      : 'All that is stored is encrypted by the first key.',
  );
}

/**
 * Waits a little for all that is stored to be encrypted by the new key. The server does it:
 * whatever is interrupted, this command or the server, it continues there.
 */
export async function rotateKey(flags: ClientFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  let { value, json } = await session.api.read({ method: 'POST', path: PATH }, encryptionKeys);
  const [first, ...old] = value.keys.map(({ id }) => cleanText(id));
  if (!session.json) {
    terminal.print(`The new key ${first ?? ''} encrypts from now on.`);
    terminal.say('Put the file encryption-keys of the data folder into your backup again.');
  }
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (value.is_resealing && performance.now() < giveUpAt) {
    await sleep(POLL_MS);
    ({ value, json } = await session.api.read({ method: 'GET', path: PATH }, encryptionKeys));
  }
  if (session.json) session.printJson(json);
  else if (value.is_resealing) {
    terminal.say(
      'The server is still encrypting what is stored; ./millrace secrets keys says when it has ended. ' +
        'Where it never does, its log says what cannot be opened.',
    );
  } else {
    terminal.print('All that is stored is encrypted by it.');
    for (const id of old) {
      terminal.say(`Nothing needs ${id} any more; to drop it: ./millrace secrets drop-key ${id}`);
    }
  }
  return exitCodes.success;
}

export async function dropKey(id: string, flags: ClientFlags, terminal: Terminal): Promise<number> {
  const session = Session.open(flags, terminal);
  const path = `${PATH}/${encodeURIComponent(id)}`;
  const { answer } = await session.api.text({ method: 'DELETE', path });
  if (answer.status !== NO_CONTENT) throw session.api.foreign(`DELETE: it is ${answer.status}.`);
  if (!session.json) terminal.print(`Dropped ${cleanText(id)}. Older backups still need it.`);
  return exitCodes.success;
}
