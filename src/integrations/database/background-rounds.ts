import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask, type PeriodicTaskOptions } from '../../common/async/periodic-task.js';
import { isDatabaseUnavailable } from './database-errors.js';

/**
 * A provider that does something again and again, one round at a time, from the start of the
 * application to its end. A round that fails is logged (at `debug` while the database is away, else
 * at `error`), and the next one tries again.
 */
export abstract class BackgroundRounds implements OnApplicationBootstrap, OnApplicationShutdown {
  protected readonly logger = new Logger(this.constructor.name);
  private readonly task: PeriodicTask;

  protected constructor(options: PeriodicTaskOptions) {
    this.task = new PeriodicTask(() => this.round(), options);
  }

  /** Whether there are rounds at all. */
  protected get isWanted(): boolean {
    return true;
  }

  protected get isStopping(): boolean {
    return this.task.isStopped;
  }

  onApplicationBootstrap(): void {
    if (this.isWanted) this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /** One round; specs call it. Never rejects. */
  async round(now = Date.now()): Promise<void> {
    try {
      await this.work(now);
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.logger.debug({ err: error }, 'database away');
      else this.logger.error({ err: error }, 'a round failed; the next one tries again');
    }
  }

  /** What a round does. @param now milliseconds since 1970 */
  protected abstract work(now: number): Promise<void>;
}
