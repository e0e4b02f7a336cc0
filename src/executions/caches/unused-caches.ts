import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { CacheStore } from './cache-store.js';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Removes caches that no run has used for long, and what killed processes have left. */
@Injectable()
export class UnusedCaches extends BackgroundRounds {
  constructor(
    private readonly store: CacheStore,
    private readonly config: MillraceConfig,
  ) {
    super({ everyMs: EVERY_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    await this.store.sweep(new Date(now - this.config.cacheDays * DAY_MS));
  }
}
