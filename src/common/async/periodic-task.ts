export interface PeriodicTaskOptions {
  /**
   * Milliseconds from the end of one round to the start of the next. A quarter more or less is
   * chosen at random: processes that were started together do not all ask at the same moment.
   */
  readonly everyMs: number;
  /** Instead of `everyMs`, for the first round. */
  readonly firstAfterMs?: number;
  /** True: the task alone does not keep the process alive. */
  readonly unref?: boolean;
}

/** Does something again and again, one round at a time. */
export class PeriodicTask {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  /** @param work one round. It handles its own errors: a task whose round rejects is a bug. */
  constructor(
    private readonly work: () => Promise<void>,
    private readonly options: PeriodicTaskOptions,
  ) {}

  get isStopped(): boolean {
    return this.stopped;
  }

  start(): void {
    this.schedule(this.options.firstAfterMs ?? this.options.everyMs);
  }

  /** No round starts any more. Resolves when the one that is under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(
      () => {
        this.round = this.work().then(() => this.schedule(this.options.everyMs));
      },
      ms * (0.75 + Math.random() * 0.5),
    );
    if (this.options.unref) this.timer.unref();
  }
}
