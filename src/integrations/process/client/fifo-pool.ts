import { rmSync } from 'node:fs';
import { FifoStream } from './fifo-stream.js';

/** Below this many free FIFOs the next batch is asked for. */
const LOW_WATER = 16;

/** The streams of one process, and where the launcher opens their other ends. */
export interface OutputPair {
  readonly stdout: FifoStream;
  /** Undefined: both outputs are one channel. */
  readonly stderr: FifoStream | undefined;
  readonly stdoutPath: string;
  /** That of stdout where both are one. */
  readonly stderrPath: string;
}

/**
 * The FIFOs of one launcher. Each is for one process, and removed after it: whoever had one in hand
 * may keep it open, or open it again by `/proc/self/fd`, and must not meet the output of another
 * execution there.
 */
export class FifoPool {
  private readonly free: string[];
  private more: Promise<void> | undefined;

  constructor(
    initial: readonly string[],
    private readonly requestMore: () => Promise<readonly string[]>,
  ) {
    this.free = [...initial];
  }

  /** Rejects when no more FIFOs can be made, or the process has no descriptors left (EMFILE). */
  async open(merged: boolean): Promise<OutputPair> {
    while (this.free.length < 2) await this.refill();
    const stdoutPath = this.free.pop() as string;
    const stderrPath = merged ? stdoutPath : (this.free.pop() as string);
    // In advance; a failure shows when the pool is empty and asks again.
    if (this.free.length < LOW_WATER) this.refill().catch(() => undefined);
    const stdout = new FifoStream(stdoutPath);
    try {
      const stderr = merged ? undefined : new FifoStream(stderrPath);
      return { stdout, stderr, stdoutPath, stderrPath };
    } catch (error) {
      await stdout.close();
      throw error;
    }
  }

  /** Removes the FIFOs of closed streams. */
  release({ stdoutPath, stderrPath }: OutputPair): void {
    for (const path of new Set([stdoutPath, stderrPath])) rmSync(path, { force: true });
  }

  private refill(): Promise<void> {
    this.more ??= this.requestMore()
      .then((paths) => void this.free.push(...paths))
      .finally(() => (this.more = undefined));
    return this.more;
  }
}
