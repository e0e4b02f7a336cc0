import { valueOf } from '../values/name-record.js';
import type { Logger } from 'pino';

/** Levels that a running process can be set to, from the most to the least that it says. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** How much this process logs. */
export class ProcessLogLevel {
  /** What the process was started with, `LOG_LEVEL`. */
  readonly configured: string;

  /**
   * `derived`: children of `root`, which have a level of their own. Those of requests are set by
   * `requestLog`.
   */
  constructor(
    private readonly root: Logger,
    private readonly derived: readonly Logger[],
  ) {
    this.configured = root.level;
  }

  get current(): string {
    return this.root.level;
  }

  /**
   * From now on. What a line says of the change is written while the more talkative of both levels
   * holds.
   */
  change(level: string, line: Readonly<Record<string, unknown>>, message: string): void {
    const say = (): void => this.root.warn(line, message);
    const more = (valueOf(this.root.levels.values, level) ?? Infinity) < this.root.levelVal;
    if (!more) say();
    for (const logger of [this.root, ...this.derived]) logger.level = level;
    if (more) say();
  }
}
