import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { serviceUnavailable } from '../common/errors/millrace.error.js';
import { type LogLevel, ProcessLogLevel } from '../common/logging/process-log-level.js';
import { type LevelOverride, LogLevelStore } from './log-level.store.js';

export interface LevelState {
  /** What the process that answers logs now. */
  readonly level: string;
  readonly configured: string;
  readonly override: LevelOverride | null;
}

const READ_AGAIN_MS = 1_000;

/**
 * Keeps this process's log at the level that was set for all of them, for as long as it was set.
 */
@Injectable()
export class LogLevelService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(LogLevelService.name);
  private override: LevelOverride | null = null;
  private end: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private unwatch: () => void = () => undefined;

  constructor(
    private readonly process: ProcessLogLevel,
    private readonly store: LogLevelStore,
  ) {}

  onApplicationBootstrap(): void {
    this.unwatch = this.store.watch(() => this.follow());
  }

  onApplicationShutdown(): void {
    this.unwatch();
    clearTimeout(this.end);
    clearTimeout(this.again);
  }

  state(): LevelState {
    const { current, configured } = this.process;
    return { level: current, configured, override: this.override };
  }

  /**
   * Sets the level of all processes, those too that start meanwhile. @throws MillraceError
   * ServiceUnavailableError
   */
  async set(
    level: LogLevel,
    seconds: number,
    actor: string,
    reason: string | undefined,
  ): Promise<LevelState> {
    const since = new Date();
    const until = new Date(since.getTime() + seconds * 1000);
    const override = { level, by: actor, reason: reason ?? null, since, until };
    await orServiceUnavailable(this.store.set(override));
    this.apply(override, seconds * 1000);
    return this.state();
  }

  /**
   * Every process logs again as it was configured to. @throws MillraceError ServiceUnavailableError
   */
  async reset(): Promise<LevelState> {
    await orServiceUnavailable(this.store.remove());
    this.revert();
    return this.state();
  }

  /** Reads what holds, until it could be read. */
  private follow(): void {
    clearTimeout(this.again);
    this.refresh().catch((error: unknown) => {
      this.logger.debug({ err: error }, 'log level not read yet');
      clearTimeout(this.again);
      this.again = setTimeout(() => this.follow(), READ_AGAIN_MS);
      this.again.unref();
    });
  }

  private async refresh(): Promise<void> {
    const stored = await this.store.read();
    if (stored) this.apply(stored.override, stored.leftMs);
    else this.revert();
  }

  private apply(override: LevelOverride, leftMs: number): void {
    const isNew = this.override?.since.getTime() !== override.since.getTime();
    this.override = override;
    clearTimeout(this.end);
    this.end = setTimeout(() => this.revert(), leftMs);
    this.end.unref();
    if (isNew) this.process.change(override.level, { logLevel: override }, 'log level set');
  }

  private revert(): void {
    clearTimeout(this.end);
    if (!this.override) return;
    this.override = null;
    const { configured } = this.process;
    this.process.change(configured, { logLevel: { level: configured } }, 'log level as configured');
  }
}

async function orServiceUnavailable(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw serviceUnavailable('Redis is not reachable: the level of no process was changed.', {
      cause: error,
    });
  }
}
