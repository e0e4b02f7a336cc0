import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileProblem } from '../../common/values/file-problem.js';
import { byteAddress, utf8Problem } from '../../common/values/text-rule.js';
import { CommandError } from './command.error.js';
import { exitCodes } from './exit-codes.js';

/**
 * The text of a file, or of standard input for `-`.
 * @throws CommandError for a file that cannot be read, or is no UTF-8: what would be changed by
 *   reading it is refused
 */
export async function readSource(file: string): Promise<string> {
  const bytes = file === '-' ? await buffer(process.stdin) : await readBytes(file);
  const at = utf8Problem(bytes);
  if (at === undefined) return bytes.toString('utf8');
  const { line, column } = byteAddress(bytes, at);
  throw new CommandError(
    `${file}:${line}:${column}: this is not UTF-8; save the file as UTF-8`,
    exitCodes.usage,
  );
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CommandError(`${file}: ${fileProblem(error)}`, exitCodes.usage);
  }
}
