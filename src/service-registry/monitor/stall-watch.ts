const EVERY_MS = 250;
/** A timer that is later than this, ms, shows that the process was held up. */
export const STALL_MS = 1_000;

/**
 * Knows when this process was held up: its event loop, the process itself (a stop, a frozen
 * container) or the whole machine (a sleep, during which its monotonic clock may stand). What was
 * measured meanwhile says something of this process, and nothing of what it asked.
 */
export class StallWatch {
  private timer: NodeJS.Timeout | undefined;
  private lastAt = performance.now();
  private lastTime = Date.now();
  private stalledAt = -Infinity;

  start(): void {
    this.lastAt = performance.now();
    this.lastTime = Date.now();
    this.timer = setInterval(() => this.look(), EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Whether it was held up at any moment since (performance.now). */
  sinceStalled(since: number): boolean {
    this.look();
    return this.stalledAt >= since;
  }

  private look(): void {
    const at = performance.now();
    const time = Date.now();
    const passed = Math.max(at - this.lastAt, time - this.lastTime);
    if (passed > EVERY_MS + STALL_MS) this.stalledAt = at;
    this.lastAt = at;
    this.lastTime = time;
  }
}
