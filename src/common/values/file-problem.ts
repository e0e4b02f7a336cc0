import { valueOf } from './name-record.js';

/** Of a folder where a file is to be named. */
export const FOLDER_NAMED = 'it is a folder; name a file';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: FOLDER_NAMED,
  EEXIST: 'a file has this name',
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
