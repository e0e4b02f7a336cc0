import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Keyring } from './keyring.js';

/** From so many bytes on a value is compressed before it is sealed: afterwards nothing can be. */
const COMPRESSED_FROM = 4096;
/** What no JSON text begins with. */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/**
 * Seals a value as JSON. Its context binds it to its document and field: `plans:<id>:plan`.
 * @param text the value as `JSON.stringify` says it
 */
export function sealJson(keyring: Keyring, text: string, context: string): string {
  const bytes = Buffer.from(text);
  const packed = bytes.length < COMPRESSED_FROM ? bytes : zstdCompressSync(bytes);
  return keyring.sealBytes(packed, context);
}

/**
 * The JSON text of a sealed value.
 * @throws MissingKeyError, BrokenSealError
 */
export function openJson(keyring: Keyring, sealed: string, context: string): string {
  const bytes = keyring.openBytes(sealed, context);
  const isPacked = bytes.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC);
  return (isPacked ? zstdDecompressSync(bytes) : bytes).toString('utf8');
}
