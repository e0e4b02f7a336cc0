import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { CacheStore } from './cache-store.js';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Removes caches that no run has used for long, and what killed processes have left. */
@Injectable()
export class UnusedCaches implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(UnusedCaches.name);
  private readonly task = new PeriodicTask(() => this.sweep(), { everyMs: EVERY_MS, unref: true });

  constructor(
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
      await this.store.sweep(new Date(Date.now() - this.config.cacheDays * DAY_MS));
    } catch (error) {
      this.logger.warn({ err: error }, 'unused caches not removed; tried again later');
    }
  }
}
