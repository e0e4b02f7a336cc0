import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACE = /[\u0008\u007f]/;
const ENTER = /[\r\n]/;

/**
 * Asks at the terminal for something that is not to be seen. @throws CommandError where there is no
 * terminal
 */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new CommandError('No token was given.', exitCodes.usage, [
      'Give it by --token-stdin (read from standard input), --token or MILLRACE_TOKEN.',
    ]);
  }
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    return await typed(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

async function typed(stdin: NodeJS.ReadStream): Promise<string> {
  let secret = '';
  for await (const piece of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    for (const key of piece) {
      if (key === CTRL_C) throw new CommandError('Interrupted.', exitCodes.interrupted);
      if (key === CTRL_D || ENTER.test(key)) return secret;
      secret = BACKSPACE.test(key) ? secret.slice(0, -1) : secret + key;
    }
  }
  return secret;
}
