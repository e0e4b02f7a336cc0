import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileProblem } from '../../common/values/file-problem.js';
import { CommandError } from './command.error.js';
import { exitCodes } from './exit-codes.js';

/** Writes a file that was named on the command line. @throws CommandError */
export async function writeNamed(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new CommandError(`${file} is not written: ${fileProblem(error)}`, exitCodes.usage);
  }
}

/** A new folder of a command below that for temporary files. @throws CommandError */
export async function temporaryFolder(prefix: string, below = tmpdir()): Promise<string> {
  try {
    return await mkdtemp(join(below, prefix));
  } catch (error) {
    throw new CommandError(
      `The folder for temporary files ${below} cannot be used: ${fileProblem(error)}.`,
      exitCodes.usage,
      ['Make it, or name another one by TMPDIR.'],
    );
  }
}
