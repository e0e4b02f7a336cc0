import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../integrations/database/background-rounds.js';
import { KEPT_MS } from './idempotency-keys.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const INTERVAL_MS = 10 * 60_000;

/**
 * Deletes keys that are older than 24 h, in every API process and without a leader. Nothing depends
 * on when: an old key that is still there counts as none.
 */
@Injectable()
export class IdempotencySweeper extends BackgroundRounds {
  constructor(private readonly keys: IdempotencyKeysRepository) {
    super({ everyMs: INTERVAL_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    const deleted = await this.keys.deleteOlderThan(new Date(now - KEPT_MS));
    if (deleted > 0) this.logger.debug({ deleted }, 'old idempotency keys deleted');
  }
}
