import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { PeriodicTask } from '../common/async/periodic-task.js';
import { isDatabaseUnavailable } from '../integrations/database/database-errors.js';
import { KEPT_MS } from './idempotency-keys.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const INTERVAL_MS = 10 * 60_000;

/**
 * Deletes keys that are older than 24 h, in every API process and without a leader. Nothing depends
 * on when: an old key that is still there counts as none.
 */
@Injectable()
export class IdempotencySweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(IdempotencySweeper.name);
  private readonly rounds = new PeriodicTask(() => this.sweep(), {
    everyMs: INTERVAL_MS,
    unref: true,
  });

  constructor(private readonly keys: IdempotencyKeysRepository) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** One round. Never rejects: what fails is tried again in the next one. */
  async sweep(): Promise<void> {
    try {
      const deleted = await this.keys.deleteOlderThan(new Date(Date.now() - KEPT_MS));
      if (deleted > 0) this.logger.debug({ deleted }, 'old idempotency keys deleted');
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.logger.debug({ err: error }, 'database away');
      else this.logger.error({ err: error }, 'sweeping idempotency keys failed');
    }
  }
}
