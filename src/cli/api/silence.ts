/** Longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** Aborts, as a time limit does, when nothing was heard for a while. */
export class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  readonly signal = this.controller.signal;

  constructor(private limitMs: number) {
    this.broken();
  }

  /** Something was heard. From now on it may be silent for so long. */
  broken(limitMs = this.limitMs): void {
    this.limitMs = limitMs;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.abort(), Math.min(limitMs, LONGEST_MS));
  }

  /** Nothing is listened for, until it is broken again. */
  pause(): void {
    clearTimeout(this.timer);
  }

  private abort(): void {
    const error = new Error('silence');
    error.name = 'TimeoutError';
    this.controller.abort(error);
  }
}
