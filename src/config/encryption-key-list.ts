import type { Parsed } from './value-parsers.js';

export const KEY_BYTES = 32;

/** AES-256 key with the name by which sealed texts say what they were sealed with. */
export interface EncryptionKey {
  /** 1 to 32 characters of a-z, 0-9 and `-`. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Buffer;
}

/** The first one seals; all open. */
export type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

/** `name:base64`, separated by commas or line breaks. */
export function parseEncryptionKeys(text: string): Parsed<EncryptionKeys> {
  const keys: EncryptionKey[] = [];
  for (const item of text.split(/[,\n]/).filter((one) => one.trim() !== '')) {
    const found = /^\s*([a-z0-9-]{1,32}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(item);
    const bytes = Buffer.from(found?.[2] ?? '', 'base64');
    if (found?.[1] === undefined || bytes.length !== KEY_BYTES) {
      const how = 'try: echo "k1:$(openssl rand -base64 32)"';
      return { problem: `must be a list of name:key, each key 32 bytes in base64 (${how})` };
    }
    if (bytes.every((byte) => byte === bytes[0])) {
      return { problem: 'must not hold a key of one repeated byte' };
    }
    keys.push({ id: found[1], bytes });
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length) {
    return { problem: 'must not name two keys alike' };
  }
  const [first, ...more] = keys;
  return first ? { value: [first, ...more] } : { problem: 'must hold a key' };
}

export function formatEncryptionKeys(keys: EncryptionKeys): string {
  return keys.map(({ id, bytes }) => `${id}:${bytes.toString('base64')}`).join(',');
}
