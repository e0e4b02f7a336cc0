import { randomUUID } from 'node:crypto';
import { type ObjectKey, parseObjectKey } from './object-key.js';
import type { StoredObject } from './object-store.js';

/** Bytes of an entry at most: far more than one has. */
export const MAX_ENTRY_BYTES = 1_024;

const VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/**
 * Ends the key in a path, so that `a` and `a/b` are a file and a folder of different names. No key
 * holds it, and it is less than all characters of keys: paths are in the order of their keys.
 */
const END = '!';

export const ENTRIES = 'entries/';
export const BODIES = 'bodies/';

/** What is stored under a key: which body it has, and what is known of it. */
export interface StoredEntry extends StoredObject {
  /** A UUID; each put makes its own. */
  readonly body: string;
}

export function newBody(): string {
  return randomUUID();
}

export function entryPath(key: ObjectKey): string {
  return `${ENTRIES}${key}${END}`;
}

export function bodyPath(key: ObjectKey, body: string): string {
  return `${BODIES}${key}${END}${body}`;
}

/** The key of the path of an entry; undefined for one that Millrace has not made. */
export function keyOfEntry(path: string): ObjectKey | undefined {
  if (!path.startsWith(ENTRIES) || !path.endsWith(END)) return undefined;
  return parseObjectKey(path.slice(ENTRIES.length, -END.length));
}

/** Key and body of the path of a body; undefined for one that Millrace has not made. */
export function partsOfBody(
  path: string,
): { readonly key: ObjectKey; readonly body: string } | undefined {
  if (!path.startsWith(BODIES)) return undefined;
  const [name = '', body = '', ...more] = path.slice(BODIES.length).split(END);
  const key = parseObjectKey(name);
  return key !== undefined && UUID.test(body) && more.length === 0 ? { key, body } : undefined;
}

export function formatEntry({ body, size, digest }: StoredEntry): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, body, size, sha256: digest })}\n`);
}

/** Undefined for what is no entry, or one of a version that is not known here. */
export function parseEntry(bytes: Buffer): StoredEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, body, size, sha256 } = value as Record<string, unknown>;
  const isEntry =
    version === VERSION &&
    typeof body === 'string' &&
    UUID.test(body) &&
    typeof sha256 === 'string' &&
    DIGEST.test(sha256) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0;
  return isEntry ? { body, size, digest: sha256 } : undefined;
}
