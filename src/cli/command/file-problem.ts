import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { valueOf } from '../../common/values/name-record.js';
import { CommandError } from './command.error.js';
import { exitCodes } from './exit-codes.js';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder; name a file',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'nothing can be written there',
  ENOSPC: 'the disk is full',
  ELOOP: 'its links lead round in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** Why a file or folder cannot be used, of what the system has thrown. */
export function fileProblem(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return valueOf(WORDS, code) ?? (code === '' ? message : code);
}

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
