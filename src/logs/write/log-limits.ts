const KiB = 1024;
const MiB = 1024 * KiB;

/** Sizes and times of a log's way from the pipe to the store; all per execution attempt. */
export interface LogLimits {
  /** A longer line is cut into lines of at most this many bytes. */
  readonly lineBytes: number;
  /** Lines of one source that follow each other are one batch, until it has this many bytes … */
  readonly batchBytes: number;
  /**
   * … or this many lines. It may be larger by one read of the pipe; readers hold the texts of a
   * whole batch at once.
   */
  readonly batchLines: number;
  /** Lines go out when this many bytes have come, */
  readonly flushBytes: number;
  /**
   * or this long after the flush before; at once when nothing went out for that long. Milliseconds.
   */
  readonly flushMs: number;
  /**
   * A line that does not end goes out as a piece after this long: a prompt, a progress bar.
   * Milliseconds.
   */
  readonly unfinishedMs: number;
  /** Bytes of lines in one stored chunk, before compression; a chunk may be larger by one flush. */
  readonly chunkBytes: number;
  /** A chunk is stored at the latest this long after its first line. Milliseconds. */
  readonly chunkMs: number;
  /**
   * Lines that come so fast that a chunk is full in half of this are a flood: live readers get them
   * from the store, or from the bus after this long. 0: at once from the bus. Milliseconds.
   */
  readonly heldMs: number;
  /** The pipes stop while more bytes than this wait to be stored. */
  readonly unstoredBytes: number;
  /** What the live stream keeps of lines that are stored already. It loses no others. */
  readonly liveBytes: number;
  /** Output beyond this is dropped, with a `{truncated}` line in its place; the step continues. */
  readonly totalBytes: number;
}

export const defaultLogLimits: LogLimits = {
  lineBytes: 64 * KiB,
  batchBytes: 64 * KiB,
  batchLines: 500,
  flushBytes: 256 * KiB,
  flushMs: 25,
  unfinishedMs: 1_000,
  chunkBytes: 1 * MiB,
  chunkMs: 5_000,
  heldMs: 250,
  unstoredBytes: 4 * MiB,
  liveBytes: 1 * MiB,
  totalBytes: 512 * MiB,
};
