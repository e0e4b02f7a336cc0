import { Logger } from '@nestjs/common';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import type { ImageCleaner } from './image-cleaner.js';
import type { ImageLimits } from './unused-images.js';

const EVERY_MS = 1_200_000;

/** Removes images that nobody uses, at once and then again and again. */
export class ImageCleaning {
  private readonly logger = new Logger('Images');
  private readonly task = new PeriodicTask(() => this.clean(), {
    everyMs: EVERY_MS,
    firstAfterMs: 0,
    unref: true,
  });

  constructor(
    private readonly cleaner: ImageCleaner,
    private readonly limits: ImageLimits,
  ) {}

  start(): void {
    this.task.start();
  }

  /** Resolves when a round that is under way has ended. */
  async stop(): Promise<void> {
    await this.task.stop();
  }

  private async clean(): Promise<void> {
    try {
      for (const { names, bytes, why } of await this.cleaner.clean(this.limits)) {
        this.logger.log({ bytes, why }, `image removed: ${names.join(', ')}`);
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'unused images not removed; tried again later');
    }
  }
}
