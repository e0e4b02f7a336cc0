import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MillraceError } from '../../common/errors/millrace.error.js';
import type { EncryptionKey, EncryptionKeys } from '../../config/encryption-key-list.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 'v1';
/** A new key seals after this time at the latest, in every process, ms. */
export const REFRESH_MS = 1_000;

/** A text was sealed with a key that is not here. */
export class MissingKeyError extends MillraceError {
  constructor(readonly keyId: string) {
    super(
      'ServiceUnavailableError',
      `The encryption key "${keyId}" is missing: put it into ENCRYPTION_KEYS.`,
      { retryAfterSeconds: 60 },
    );
    this.name = 'MissingKeyError';
  }
}

/** A sealed text was changed, cut, or sealed for another place. */
export class BrokenSealError extends Error {
  constructor(cause?: unknown) {
    super('A sealed text cannot be opened: it was changed, or is not where it belongs.', { cause });
    this.name = 'BrokenSealError';
  }
}

/**
 * Seals texts with AES-256-GCM and a fresh IV. A sealed text names its key, and opens only in the
 * context that it was sealed for, so that nobody can move one in the database to where he may read
 * it.
 */
export class Keyring {
  private keys: EncryptionKeys;
  private refreshedAt = performance.now();

  /** @param source of keys that change while this process runs; absent: they do not */
  constructor(
    keys: EncryptionKeys,
    private readonly source?: KeySource,
  ) {
    this.keys = keys;
  }

  /** The key that seals. */
  get primary(): EncryptionKey {
    return this.keys[0];
  }

  /** The ids of all keys, that of the primary first. */
  get ids(): readonly string[] {
    return this.keys.map(({ id }) => id);
  }

  /** Takes over what has changed in the source. */
  refresh(): void {
    this.refreshedAt = performance.now();
    this.keys = this.source?.changed() ?? this.keys;
  }

  /** @param context what the text is and whose: `repository:<id>:webhook` */
  seal(text: string, context: string): string {
    return this.sealBytes(Buffer.from(text), context);
  }

  /** @throws MissingKeyError, BrokenSealError */
  open(sealed: string, context: string): string {
    return this.openBytes(sealed, context).toString('utf8');
  }

  sealBytes(bytes: Uint8Array, context: string): string {
    if (performance.now() - this.refreshedAt > REFRESH_MS) this.refresh();
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.primary.bytes, iv);
    cipher.setAAD(Buffer.from(context));
    const content = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    return [FORMAT, this.primary.id, iv.toString('base64url'), content.toString('base64url')].join(
      '.',
    );
  }

  /** @throws MissingKeyError, BrokenSealError */
  openBytes(sealed: string, context: string): Buffer {
    const [format, id, iv, content, ...more] = sealed.split('.');
    if (format !== FORMAT || !id || iv === undefined || content === undefined || more.length > 0) {
      throw new BrokenSealError();
    }
    const key = this.find(id);
    if (!key) throw new MissingKeyError(id);
    const bytes = Buffer.from(content, 'base64url');
    const end = bytes.length - TAG_BYTES;
    const nonce = Buffer.from(iv, 'base64url');
    if (end < 0 || nonce.length !== IV_BYTES) throw new BrokenSealError();
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(end));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]);
    } catch (error) {
      throw new BrokenSealError(error);
    }
  }

  /** A key that is not here may have come meanwhile: another process seals with it. */
  private find(id: string): EncryptionKey | undefined {
    const find = (): EncryptionKey | undefined => this.keys.find((key) => key.id === id);
    const found = find();
    if (found) return found;
    this.refresh();
    return find();
  }
}

/** Where keys come from that may change. */
export interface KeySource {
  /** All keys, if they are others than it has given before. */
  changed(): EncryptionKeys | undefined;
}

/** Id of the key that a text was sealed with; undefined = it is no sealed text. */
export function keyOf(sealed: string): string | undefined {
  const [format, id, iv, content] = sealed.split('.');
  return format === FORMAT && iv !== undefined && content !== undefined ? id : undefined;
}
