/** Calls back after `ms`; returns what cancels it. */
export type After = (ms: number, callback: () => void) => () => void;

/** Counts the time that something runs against its limit; while it is paused no time passes. */
export class LimitClock {
  private since: number | undefined;
  private disarm: () => void = () => undefined;
  private stopped = false;

  /**
   * @param limitMs undefined: no limit
   * @param before for so long it ran already, ms
   */
  constructor(
    private readonly now: () => number,
    private readonly after: After,
    private readonly limitMs: number | undefined,
    private readonly onLimit: () => void,
    private before = 0,
  ) {}

  /** For so long it ran until now, ms. */
  get ranMs(): number {
    return this.before + (this.since === undefined ? 0 : this.now() - this.since);
  }

  /** Time passes from now on, if it does not yet. */
  run(): void {
    if (this.since !== undefined || this.stopped) return;
    this.since = this.now();
    if (this.limitMs === undefined) return;
    this.disarm = this.after(Math.max(0, this.limitMs - this.before), this.onLimit);
  }

  pause(): void {
    this.before = this.ranMs;
    this.since = undefined;
    this.disarm();
  }

  /** The limit does not count any more. */
  stop(): void {
    this.pause();
    this.stopped = true;
  }
}
