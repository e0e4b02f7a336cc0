import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFile, readPrivateFile, replacePrivateFile } from '../../common/private-file.js';
import {
  type EncryptionKey,
  type EncryptionKeys,
  KEY_BYTES,
  parseEncryptionKeys,
} from '../../config/encryption-key-list.js';
import { Keyring, type KeySource } from './keyring.js';

/** The file, of mode 0600, that keeps the keys when `ENCRYPTION_KEYS` is unset. */
export function encryptionKeysFile(home: string): string {
  return join(home, 'encryption-keys');
}

/**
 * The keys of the configuration, else those of the data folder; there they are made at the first
 * call. Several processes may call it at once; all get the same ones.
 */
export function loadKeyring(configured: EncryptionKeys | undefined, home: string): Keyring {
  if (configured !== undefined) return new Keyring(configured);
  const file = new KeyFile(encryptionKeysFile(home));
  return new Keyring(file.load(), file);
}

/** A list of keys in a file, which any process of the installation may change. */
export class KeyFile implements KeySource {
  private seen = '';

  constructor(readonly file: string) {}

  /** Makes the file with one key, if there is none. */
  load(): EncryptionKeys {
    this.seen = this.version();
    const text = readPrivateFile(this.file);
    if (text !== undefined) return this.parse(text);
    const made = makePrivateFile(this.file, line(newKey())).text;
    this.seen = this.version();
    return this.parse(made);
  }

  changed(): EncryptionKeys | undefined {
    return this.version() === this.seen ? undefined : this.load();
  }

  replace([first, ...more]: EncryptionKeys): void {
    replacePrivateFile(this.file, [first, ...more].map(line).join(''));
  }

  /** Each change is another file by the same name. */
  private version(): string {
    const found = statSync(this.file, { throwIfNoEntry: false });
    return found ? `${found.ino} ${found.mtimeMs} ${found.size}` : '';
  }

  private parse(text: string): EncryptionKeys {
    const keys = parseEncryptionKeys(text);
    if ('problem' in keys) throw new Error(`${this.file} ${keys.problem}`);
    return keys.value;
  }
}

export function newKey(): EncryptionKey {
  // A name that no other installation has: a text that was sealed elsewhere says so.
  return { id: `k-${randomBytes(4).toString('hex')}`, bytes: randomBytes(KEY_BYTES) };
}

function line({ id, bytes }: EncryptionKey): string {
  return `${id}:${bytes.toString('base64')}\n`;
}
