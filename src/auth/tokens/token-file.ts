import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makePrivateFile, readPrivateFile } from '../../common/private-file.js';
import { ConfigError } from '../../config/config-error.js';

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

  const { text, created } = makePrivateFile(file, `${randomBytes(32).toString('base64url')}\n`);
  return { token: tokenOf(text, file), created };
}

/** The token of a data folder when there is one; for the CLI, which makes none. */
export function readToken(file: string): string | undefined {
  const text = readPrivateFile(file);
  return text === undefined ? undefined : tokenOf(text, file);
}

function tokenOf(text: string, file: string): string {
  const token = text.trim();
  if (token.length < 24) {
    const message = `is not set, and ${file} holds no token: delete it and start again, or set this`;
    throw new ConfigError([{ name: 'MILLRACE_TOKEN', message }]);
  }
  return token;
}
