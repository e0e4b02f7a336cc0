import { hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseSigningSecret } from '../../config/login-values.js';
import { makePrivateFile, readPrivateFile } from '../../common/private-file.js';

/** What a key is for: a text that was signed for one use is nothing for another. */
export type KeyUse = 'access' | 'refresh' | 'csrf' | 'login-state' | 'hand-over';

const KEY_BYTES = 32;

/** The file, of mode 0600, that keeps the key when `JWT_SECRET` is unset. */
export function signingKeyFile(home: string): string {
  return join(home, 'jwt-key');
}

/**
 * The key of the server, and one for each use made from it. All API processes have the same. It is
 * read, or made, when it is first used: a server without log-ins has none.
 */
export class SigningKey {
  private readonly keys = new Map<KeyUse, Buffer>();
  private secret: string | undefined;

  /**
   * The key of the configuration, else that of the data folder; there it is made at the first use.
   * Several processes may do it at once; all get the same one.
   */
  constructor(
    configured: string | undefined,
    private readonly home: string,
  ) {
    this.secret = configured;
  }

  for(use: KeyUse): Buffer {
    const known = this.keys.get(use);
    if (known !== undefined) return known;
    this.secret ??= keyOfHome(this.home);
    const key = Buffer.from(hkdfSync('sha256', this.secret, '', `millrace ${use}`, KEY_BYTES));
    this.keys.set(use, key);
    return key;
  }
}

function keyOfHome(home: string): string {
  const file = signingKeyFile(home);
  const text = (
    readPrivateFile(file) ??
    makePrivateFile(file, `${randomBytes(KEY_BYTES).toString('base64url')}\n`).text
  ).trim();
  const parsed = parseSigningSecret(text);
  if ('problem' in parsed) throw new Error(`${file} ${parsed.problem}`);
  return parsed.value;
}
