import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export interface StoredToken {
  readonly token: string;
  /** True once in the life of a data folder: whoever made it shows it to the user. */
  readonly created: boolean;
}

/**
 * The file, of mode 0600, that keeps the bearer token of `AUTH_MODE=token` when `MILLRACE_TOKEN` is
 * unset.
 */
export function tokenFile(home: string): string {
  return join(home, 'token');
}

/**
 * The token of a data folder, made at the first call. Several processes may call it at once; all
 * get the same one.
 */
export function loadOrCreateToken(home: string): StoredToken {
  const file = tokenFile(home);
  const existing = readToken(file);
  if (existing !== undefined) return { token: existing, created: false };

  mkdirSync(home, { recursive: true, mode: 0o750 });
  const token = randomBytes(32).toString('base64url');
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${token}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // A link is all or nothing and never replaces: the first process wins.
    linkSync(draft, file);
    return { token, created: true };
  } catch (error) {
    const winner = readToken(file);
    if (winner === undefined) throw error;
    return { token: winner, created: false };
  } finally {
    unlinkSync(draft);
  }
}

/** The token of a data folder when there is one; for the CLI, which makes none. */
export function readToken(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  const token = text.trim();
  if (token.length < 24) {
    throw new Error(`${file} holds no token: delete it and start again, or set MILLRACE_TOKEN`);
  }
  return token;
}
