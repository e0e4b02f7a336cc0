import { readSource } from '../command/read-source.js';
import type { Terminal } from '../terminal/terminal.js';
import { askSecret } from './secret-prompt.js';

/**
 * What nobody else may see: typed unseen at a terminal, else read from standard input; never an
 * argument, which others see in `ps`. Empty where none was given.
 */
export async function givenSecret(question: string, terminal: Terminal): Promise<string> {
  if (process.stdin.isTTY) return askSecret(question);
  return withoutLineEnd(await readSource('-'), terminal);
}

/** `echo` and editors put one at the end, which is no part of a password. */
function withoutLineEnd(text: string, terminal: Terminal): string {
  const value = text.replace(/\r?\n$/, '');
  if (value !== text) terminal.say('The line end at the end is left out.');
  return value;
}
