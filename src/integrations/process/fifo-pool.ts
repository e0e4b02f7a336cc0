import { rmSync } from 'node:fs';
import { FifoStream } from './fifo-stream.js';

/** Below this many free FIFOs the next batch is asked for. */
const LOW_WATER = 16;

/** The streams of one process, and where the launcher opens their other ends. */
export interface OutputPair {
  readonly stdout: FifoStream;
  readonly stderr: FifoStream;
  readonly stdoutPath: string;
  readonly stderrPath: string;
}

/** The FIFOs of one launcher. One whose writers are all gone is used again; one that a background child holds is dropped. */
export class FifoPool {
  readonly #free: string[];
  #more: Promise<void> | undefined;

  constructor(
    initial: readonly string[],
    private readonly requestMore: () => Promise<readonly string[]>,
  ) {
    this.#free = [...initial];
  }

  /** Rejects when no more FIFOs can be made, or the process has no descriptors left (EMFILE). */
  async open(): Promise<OutputPair> {
    while (this.#free.length < 2) await this.#refill();
    const stdoutPath = this.#free.pop() as string;
    const stderrPath = this.#free.pop() as string;
    // In advance; a failure shows when the pool is empty and asks again.
    if (this.#free.length < LOW_WATER) this.#refill().catch(() => undefined);
    const stdout = new FifoStream(stdoutPath);
    try {
      return { stdout, stderr: new FifoStream(stderrPath), stdoutPath, stderrPath };
    } catch (error) {
      await stdout.close();
      throw error;
    }
  }

  /** Takes the FIFOs of closed streams back. */
  release(pair: OutputPair): void {
    this.#takeBack(pair.stdoutPath, pair.stdout.writersGone);
    this.#takeBack(pair.stderrPath, pair.stderr.writersGone);
  }

  #takeBack(path: string, reusable: boolean): void {
    if (reusable) this.#free.push(path);
    else rmSync(path, { force: true });
  }

  #refill(): Promise<void> {
    this.#more ??= this.requestMore()
      .then((paths) => void this.#free.push(...paths))
      .finally(() => (this.#more = undefined));
    return this.#more;
  }
}
