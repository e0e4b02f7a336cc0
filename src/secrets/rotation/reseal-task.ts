import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { Keyring } from '../encryption/keyring.js';
import { EncryptionStateRepository } from './encryption-state.repository.js';
import { Resealer } from './resealer.js';

const ASK_MS = 5_000;

/**
 * Seals by the key of now whatever is not: after an update from a version that stored it in clear,
 * and after a rotation of keys. Once for each key; what a kill cut short begins again.
 */
@Injectable()
export class ResealTask extends BackgroundRounds {
  /** What this process has done, and does not do again: two of them could do so for ever. */
  private doneFor: string | undefined;

  constructor(
    private readonly resealer: Resealer,
    private readonly states: EncryptionStateRepository,
    private readonly keyring: Keyring,
  ) {
    super({ everyMs: ASK_MS, firstAfterMs: 2_000, unref: true });
  }

  /** Something may be sealed by another key again. */
  again(): void {
    this.doneFor = undefined;
  }

  protected async work(): Promise<void> {
    // Another process may have made a new key.
    this.keyring.refresh();
    const { id } = this.keyring.primary;
    if (this.doneFor === id) return;
    if ((await this.states.sealedBy()) !== id && !(await this.reseal(id))) return;
    this.doneFor = id;
  }

  /** False: it was stopped, or the key changed meanwhile. */
  private async reseal(id: string): Promise<boolean> {
    const { changed, unreadable, finished } = await this.resealer.reseal(async () => {
      // Requests come first.
      await nextTurn();
      return !this.isStopping && this.keyring.primary.id === id;
    });
    if (!finished) return false;
    if (changed > 0) this.logger.log({ changed, key: id }, 'what is stored was sealed again');
    if (unreadable > 0) {
      const what = 'what is stored cannot all be opened: a key is missing from ENCRYPTION_KEYS';
      this.logger.warn({ unreadable }, what);
    } else await this.states.noteSealed(id);
    return true;
  }
}
