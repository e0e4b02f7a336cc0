/**
 * Where a log line came from. `system` lines are Millrace's own words (clone progress, retry,
 * timeout).
 */
export type LogStream = 'stdout' | 'stderr' | 'system';

/** A line as the API gives it: one JSON object of `GET /executions/:id/logs`. */
export interface LogLine {
  /** Per execution, from 1, no gaps over all steps of one execution attempt. */
  readonly seq: number;
  /** ISO 8601, of the batch that the line was read with. */
  readonly ts: string;
  readonly stream: LogStream;
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
  /**
   * Masked, without its line end; ANSI escapes and CR are kept; bytes that are no UTF-8 show as
   * U+FFFD.
   */
  readonly text: string;
  /**
   * True: only a piece of a line, which continues in the next one of the same source (if there is
   * one): it was longer than 64 KiB, or did not end within a second. Nothing of it is lost.
   */
  readonly continues?: boolean;
}

/**
 * Consecutive lines of one source, handled as one piece from the pipe to the store: a single
 * timestamp, a range of numbers, and the masked bytes with `\n` after every line. No object per
 * line exists before a reader asks for one.
 */
export interface LogBatch {
  readonly firstSeq: number;
  /** Number of lines in `bytes`. */
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly ts: number;
  readonly stream: LogStream;
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
  readonly bytes: Buffer;
  /** True: the last line continues in the source's next batch; its `\n` in `bytes` is ours. */
  readonly continues?: boolean;
}
