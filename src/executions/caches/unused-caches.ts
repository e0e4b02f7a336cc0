import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { CacheStore } from './cache-store.js';
import { CachesRepository } from './caches.repository.js';

const EVERY_MS = 3_600_000;
const AT_ONCE = 100;
const DAY_MS = 86_400_000;

/** Removes caches that no run has used for long. Any number of processes may do so. */
@Injectable()
export class UnusedCaches implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(UnusedCaches.name);
  private readonly task = new PeriodicTask(() => this.sweep(), { everyMs: EVERY_MS, unref: true });

  constructor(
    private readonly caches: CachesRepository,
    private readonly store: CacheStore,
    private readonly config: MillraceConfig,
  ) {}

  onModuleInit(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  private async sweep(): Promise<void> {
    try {
      await this.remove(new Date());
    } catch (error) {
      this.logger.warn({ err: error }, 'unused caches not removed; tried again later');
    }
  }

  async remove(now: Date): Promise<number> {
    const since = new Date(now.getTime() - this.config.cacheDays * DAY_MS);
    let removed = 0;
    for (;;) {
      const unused = await this.caches.unused(since, AT_ONCE);
      for (const cache of unused) await this.store.drop(cache);
      removed += unused.length;
      if (unused.length < AT_ONCE) return removed;
    }
  }
}
