/** A piece of a log as it is stored. */
export interface LogChunk {
  readonly executionId: string;
  readonly fence: number;
  readonly firstSeq: number;
  /** Inclusive; the next chunk of the same attempt begins with the number behind it. */
  readonly lastSeq: number;
  /** Size of `data` before compression. */
  readonly rawBytes: number;
  /** Whose lines are in it, each once. */
  readonly sources: readonly LogAddress[];
  /** Encoded batches (`log-encoding.ts`), compressed (`log-compression.ts`). */
  readonly data: Buffer;
}

/**
 * One try of one step; `stage` and `step` are `''` and `attempt` is 0 for a line of the execution
 * itself.
 */
export interface LogAddress {
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
}

/**
 * Port: where chunks are kept. All methods may be called concurrently; none needs an abort. They
 * reject when the store is away; the outcome of an insert is then unknown. Two adapters: the
 * database and memory.
 */
export abstract class LogChunkStore {
  /**
   * Idempotent: a chunk of the same execution, fence and first number is there already and stays.
   */
  abstract insert(chunk: LogChunk): Promise<void>;

  /** The chunk that holds line `seq`. */
  abstract find(executionId: string, fence: number, seq: number): Promise<LogChunk | undefined>;

  /** At most `count` chunks that end with line `seq` or behind it, in order. */
  abstract following(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]>;

  /** At most `count` chunks that end with line `seq` or before it, the last one first. */
  abstract preceding(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]>;

  /** The number of the last line stored. */
  abstract lastSeq(executionId: string, fence: number): Promise<number | undefined>;

  /** Removes whole logs, every fence of them; resolves with the number of chunks. Idempotent. */
  abstract deleteExecutions(executionIds: readonly string[]): Promise<number>;

  /**
   * The first execution, in the order of ids, of which there is a chunk, if it is below `before`.
   */
  abstract firstExecution(before: string): Promise<string | undefined>;
}
