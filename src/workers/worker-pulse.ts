import { Injectable, Logger } from '@nestjs/common';
import { stat } from 'node:fs/promises';
import { MillraceConfig } from '../config/millrace-config.js';

const TICK_MS = 1_000;
/** Unanswered for so many ticks, the lease is not renewed. */
const FALTERING_TICKS = 5;
/** Unanswered for so many ticks, the process is beyond help: as long as a lease lasts. */
const STILL_TICKS = 15;

/**
 * Whether this process can still do what it promised: its event loop turns and its threads answer.
 * Each second a timer asks for a file operation. What is counted are ticks, not time: a process
 * that was stopped and continues is not still.
 */
@Injectable()
export class WorkerPulse {
  private readonly logger = new Logger(WorkerPulse.name);
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;
  private isAsking = false;

  constructor(private readonly config: MillraceConfig) {}

  /** `onStill` is called once, 15 s after the threads last answered. */
  start(onStill: () => void, ask: () => Promise<unknown> = () => stat(this.config.home)): void {
    this.timer ??= setInterval(() => this.tick(onStill, ask), TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** False: this process must not say that it is well. */
  get isSteady(): boolean {
    return this.ticks < FALTERING_TICKS;
  }

  private tick(onStill: () => void, ask: () => Promise<unknown>): void {
    if (this.isAsking) this.ticks += 1;
    if (this.ticks === FALTERING_TICKS) {
      this.logger.error('no file operation is answered: the lease is not renewed until one is');
    }
    if (this.ticks === STILL_TICKS) onStill();
    if (!this.isAsking) void this.ask(ask);
  }

  /** An operation that fails was answered too. */
  private async ask(ask: () => Promise<unknown>): Promise<void> {
    this.isAsking = true;
    await Promise.resolve()
      .then(ask)
      .then(
        () => undefined,
        () => undefined,
      );
    this.isAsking = false;
    this.ticks = 0;
  }
}
