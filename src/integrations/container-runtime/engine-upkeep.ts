import { Logger } from '@nestjs/common';
import type { ContainerRuntime } from './container-runtime.js';
import type { ImageCleaner } from './image-cleaner.js';
import { ImageCleaning } from './image-cleaning.js';
import type { ImageLimits } from './unused-images.js';

/** What a worker does on an engine each time that this was proved, and while it is there. */
export class EngineUpkeep {
  private readonly logger = new Logger('ContainerRuntime');
  private cleaner: ImageCleaner | undefined;
  private cleaning: ImageCleaning | undefined;

  constructor(private readonly limits: ImageLimits) {}

  /**
   * Removes what a dead worker of this machine left on the engine, and begins to remove images that
   * nobody uses. Rejects when the engine is away.
   *
   * @param cleaner the same one each time that the engine is the same
   */
  async begin(
    runtime: Pick<ContainerRuntime, 'sweepStale'>,
    cleaner: ImageCleaner | undefined,
  ): Promise<void> {
    const { ended } = await runtime.sweepStale();
    if (ended > 0) this.logger.warn({ ended }, 'containers that a dead worker left were removed');
    if (cleaner === undefined || cleaner === this.cleaner) return;
    // A round on the earlier engine ends by itself: it cannot keep this one waiting.
    void this.cleaning?.stop();
    this.cleaner = cleaner;
    this.cleaning = new ImageCleaning(cleaner, this.limits);
    this.cleaning.start();
  }

  /** Resolves when a round that is under way has ended. */
  async stop(): Promise<void> {
    await this.cleaning?.stop();
  }
}
