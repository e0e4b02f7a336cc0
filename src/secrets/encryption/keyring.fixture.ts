import type { EncryptionKey } from '../../config/encryption-key-list.js';
import { Keyring } from './keyring.js';

/** A key for tests; the same name is always the same key. */
export function testKey(id: string): EncryptionKey {
  const fill = Array.from({ length: 32 }, (_, n) => (id.charCodeAt(n % id.length) * (n + 3)) % 251);
  return { id, bytes: Buffer.from(fill) };
}

/** For tests: the first key seals. */
export function testKeyring(first = 'k1', ...more: string[]): Keyring {
  return new Keyring([testKey(first), ...more.map(testKey)]);
}
