import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { ObjectStore } from '../../integrations/object-store/object-store.js';
import { ArtifactsRepository } from './artifacts.repository.js';

const EVERY_MS = 60_000;
const AT_ONCE = 1_000;

/** Removes artifacts whose `expire_in` is over. Any number of processes may do so. */
@Injectable()
export class ExpiredArtifacts implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ExpiredArtifacts.name);
  private readonly task = new PeriodicTask(() => this.sweep(), { everyMs: EVERY_MS, unref: true });

  constructor(
    private readonly artifacts: ArtifactsRepository,
    private readonly objects: ObjectStore,
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
      this.logger.warn({ err: error }, 'expired artifacts not removed; tried again later');
    }
  }

  /** All files of a try expire at once, and so does the archive that holds them. */
  async remove(now: Date): Promise<number> {
    let removed = 0;
    for (;;) {
      const expired = await this.artifacts.expired(now, AT_ONCE);
      for (const key of new Set(expired.map(({ objectKey }) => objectKey))) {
        await this.objects.delete(key);
      }
      await this.artifacts.remove(expired.map(({ id }) => id));
      removed += expired.length;
      if (expired.length < AT_ONCE) return removed;
    }
  }
}
