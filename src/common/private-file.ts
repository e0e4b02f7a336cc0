import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * The text of a file that is its owner's alone, of mode 0600 from now on; `undefined` = there is
 * none.
 */
export function readPrivateFile(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes the file, of mode 0600, and its folder. Of several processes that do it at once one wins;
 * all get its text.
 */
export function makePrivateFile(
  file: string,
  text: string,
): { readonly text: string; readonly created: boolean } {
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    // A link is all or nothing and never replaces: the first process wins.
    linkSync(draft, file);
    return { text, created: true };
  } catch (error) {
    const winner = readPrivateFile(file);
    if (winner === undefined) throw error;
    return { text: winner, created: false };
  } finally {
    unlinkSync(draft);
  }
}

/**
 * Puts another text into the file, all or nothing. When it returns the text is on the disk: not
 * even the loss of power takes it back.
 */
export function replacePrivateFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  try {
    renameSync(draft, file);
  } catch (error) {
    unlinkSync(draft);
    throw error;
  }
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
