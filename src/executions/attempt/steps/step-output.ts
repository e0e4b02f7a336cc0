import type { StepAddress } from '../../../engine/runtime/step-handler.js';

/** One byte stream of one try. */
export interface OutputSink {
  /**
   * Takes bytes in the order they come, and keeps a copy of what it keeps: their memory is used
   * again as soon as it has returned. The source waits for a returned promise before it reads on.
   */
  write(bytes: Buffer): true | Promise<void>;
  /** No more bytes follow; what was held back is let go. */
  end(): void;
}

/** Where step handlers send what a step prints: the log of an execution, or a terminal. */
export interface StepOutput {
  open(address: StepAddress, stream: 'stdout' | 'stderr'): OutputSink;
  /** A line of Millrace's own. */
  systemLine(address: StepAddress, text: string): void;
}
