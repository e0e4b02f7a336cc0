/** An execution that retention removes, or of which nothing but parts is left. */
export interface RemovedExecution {
  readonly id: string;
  /** How many attempts it had; absent where nobody knows. */
  readonly attempts?: number;
}

/**
 * What a feature stores beside an execution: its log, later its artifacts. It registers in
 * `ExecutionParts`, in every role, and retention does the rest.
 */
export abstract class ExecutionPart {
  /** For logs: `traces`. */
  abstract readonly name: string;

  /**
   * Removes everything that it has of these executions, which are over for good. Idempotent, and
   * safe to be called twice at once. When it rejects, the executions stay and are tried again.
   */
  abstract remove(executions: readonly RemovedExecution[]): Promise<void>;

  /**
   * The first execution, in the order of ids, of which it has something, if it is below `before`.
   */
  abstract firstExecution(before: string): Promise<string | undefined>;
}
