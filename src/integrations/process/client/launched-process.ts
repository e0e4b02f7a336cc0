import { Readable } from 'node:stream';
import type { OutputPipe, ProcessExit, ProcessSpec, RunningProcess } from '../process-runner.js';
import { isLauncherLost } from '../process-runner.error.js';
import type { OutputPair } from './fifo-pool.js';
import type { LauncherLink } from './launcher-link.js';

/** A process that the launcher holds, or was asked to start. */
export class LaunchedProcess implements RunningProcess {
  readonly exit: Promise<ProcessExit>;
  /** Resolves when the launcher said that it runs or why it does not. */
  readonly started: Promise<void>;
  /** Resolves when it ended and its streams were read to their end. */
  readonly released: Promise<void>;
  private resolveStarted: () => void = () => undefined;
  private resolveExit: (exit: ProcessExit) => void = () => undefined;
  private hasStarted = false;
  private readonly noStderr = Readable.from([]);
  private killing: Promise<void> | undefined;

  constructor(
    readonly number: number,
    readonly spec: ProcessSpec,
    readonly link: LauncherLink,
    private readonly outputs: OutputPair,
    /**
     * Resolves when nothing is left of what a lost launcher held; to be asked after `link.gone`.
     */
    private readonly recovered: () => Promise<void>,
  ) {
    this.started = new Promise((resolve) => (this.resolveStarted = resolve));
    this.exit = new Promise((resolve) => (this.resolveExit = resolve));
    this.released = this.release();
  }

  /** True once the launcher said that it runs. */
  get isStarted(): boolean {
    return this.hasStarted;
  }

  get stdout(): OutputPipe {
    return this.outputs.stdout;
  }

  get stderr(): OutputPipe {
    return this.outputs.stderr ?? this.noStderr;
  }

  get outputPaths(): readonly string[] {
    return [this.outputs.stdoutPath, this.outputs.stderrPath];
  }

  handleStart(): void {
    this.hasStarted = true;
    this.outputs.stdout.begin();
    this.outputs.stderr?.begin();
    this.resolveStarted();
  }

  /** The first call counts. */
  handleEnd(exit: ProcessExit): void {
    // Never started: no writer will come. Lost: the recovery ends the writers, and with them the
    // streams.
    if (!this.hasStarted) this.closeOutputs();
    this.resolveExit(exit);
    this.resolveStarted();
  }

  closeOutputs(): void {
    this.outputs.stdout.finish();
    this.outputs.stderr?.finish();
  }

  kill(graceMs: number): Promise<void> {
    this.killing ??= this.askToKill(graceMs);
    return this.killing;
  }

  private async askToKill(graceMs: number): Promise<void> {
    try {
      await this.link.ask({ op: 'kill', process: this.number, graceMs });
    } catch (error) {
      if (!isLauncherLost(error)) throw error;
      await this.link.gone;
      await this.recovered();
    }
  }

  private async release(): Promise<void> {
    const { stdout, stderr } = this.outputs;
    await Promise.all([stdout.whenClosed, stderr?.whenClosed, this.exit]);
    this.link.fifos.release(this.outputs);
  }
}
