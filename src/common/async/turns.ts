import { setImmediate } from 'node:timers/promises';

/**
 * Lets the rest of the process have its turn between the parts of a long work, which asks it after
 * each part of less than a millisecond or so.
 */
export class Turns {
  private end: number;

  /** `ms`: how long the work may take before others have their turn. */
  constructor(private readonly ms = 3) {
    this.end = performance.now() + ms;
  }

  isOver(): boolean {
    return performance.now() >= this.end;
  }

  /** @throws the reason of the signal */
  async pass(signal?: AbortSignal): Promise<void> {
    await setImmediate();
    signal?.throwIfAborted();
    this.end = performance.now() + this.ms;
  }
}
