import { Injectable, Logger } from '@nestjs/common';
import { statSync } from 'node:fs';
import { conflict, notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { EncryptionKey } from '../../config/encryption-key-list.js';
import { encryptionKeysFile, KeyFile, newKey } from '../encryption/encryption-keys.js';
import { Keyring, REFRESH_MS } from '../encryption/keyring.js';
import { EncryptionStateRepository } from './encryption-state.repository.js';
import { ResealTask } from './reseal-task.js';
import { Resealer } from './resealer.js';

/** Who began to change the keys and was heard of no more has lost its turn. */
const CHANGE_MS = 30_000;
/** After a change, until every process seals by the new key, and what it was writing is written. */
const SETTLE_MS = REFRESH_MS + 4_000;

export interface KeyStates {
  /** All keys, that which seals first. */
  readonly ids: readonly string[];
  /** True: not everything is known to be sealed by the first one. */
  readonly isResealing: boolean;
}

/** New keys, and old ones that nothing uses: where they are in the file of the data folder. */
@Injectable()
export class KeyRotation {
  private readonly logger = new Logger(KeyRotation.name);

  constructor(
    private readonly config: MillraceConfig,
    private readonly keyring: Keyring,
    private readonly states: EncryptionStateRepository,
    private readonly resealer: Resealer,
    private readonly task: ResealTask,
  ) {}

  async list(): Promise<KeyStates> {
    this.keyring.refresh();
    const isResealing = (await this.states.sealedBy()) !== this.keyring.primary.id;
    return { ids: this.keyring.ids, isResealing };
  }

  /**
   * A new key seals from now on, and everything that is stored is sealed again by it, behind this.
   * @throws MillraceError ConflictError: the keys are not ours to change
   */
  async rotate(): Promise<KeyStates> {
    const file = this.keyFile();
    await this.changing(() => {
      const key = newKey();
      file.replace([key, ...file.load()]);
      this.logger.log({ key: key.id }, 'a new encryption key seals from now on');
    });
    return this.list();
  }

  /**
   * Takes away a key that nothing is sealed by.
   * @throws MillraceError NotFoundError, ConflictError
   */
  async drop(id: string): Promise<void> {
    const file = this.keyFile();
    await this.changing(async () => {
      const [first, ...more] = file.load();
      if (first.id === id) throw keySeals(id);
      if (!more.some((key) => key.id === id)) throw notFound('encryption key', id);
      await this.refuseUsed(file, id);
      const kept: EncryptionKey[] = more.filter((key) => key.id !== id);
      file.replace([first, ...kept]);
      this.logger.log({ key: id }, 'an encryption key was dropped');
    });
  }

  private async refuseUsed(file: KeyFile, id: string): Promise<void> {
    const suggestions = ['Try again in some seconds; `./millrace secrets keys` shows the state.'];
    if (Date.now() - statSync(file.file).mtimeMs < SETTLE_MS) {
      throw conflict(
        'The keys have changed just now: something may still be sealed by an old one.',
        {
          suggestions,
        },
      );
    }
    const uses = (await this.resealer.uses()).get(id) ?? 0;
    if (uses === 0) return;
    await this.states.noteUnsealed();
    this.task.again();
    throw conflict(`${uses} documents are still sealed by the key ${id}.`, {
      details: { uses },
      suggestions,
    });
  }

  private async changing(change: () => void | Promise<void>): Promise<void> {
    if (!(await this.states.beginChange(CHANGE_MS))) {
      throw conflict('Somebody else is changing the encryption keys.');
    }
    try {
      await change();
      this.keyring.refresh();
    } finally {
      await this.states.endChange();
    }
  }

  private keyFile(): KeyFile {
    if (this.config.encryptionKeys === undefined) {
      return new KeyFile(encryptionKeysFile(this.config.home));
    }
    throw keysElsewhere();
  }
}

/** 409 */
export function keySeals(id: string): MillraceError {
  return conflict(`The key ${id} seals: it cannot be dropped.`);
}

/** 409 */
export function keysElsewhere(): MillraceError {
  return conflict('The encryption keys are those of ENCRYPTION_KEYS: they are changed there.', {
    suggestions: [
      'Put a new key behind the others, and restart every process; then put it first, and restart them again: what is stored is sealed by it then.',
    ],
  });
}
