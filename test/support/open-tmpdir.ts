import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

const OTHERS_ENTER = 0o001;

/**
 * The folder for temporary files, where other users reach what lies in it; else `/tmp`. For specs
 * that give files to other users, or start processes as them: in a step of root the usual folder
 * is closed to everybody else.
 */
export function openTmpdir(): string {
  const usual = tmpdir();
  for (let folder = usual; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_ENTER) === 0) return '/tmp';
    if (folder === dirname(folder)) return usual;
  }
}
