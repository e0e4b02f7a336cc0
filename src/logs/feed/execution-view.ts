import type { LogFence } from '../store/log-fence.js';

/** What a feed needs to know of an execution. */
export interface ExecutionView {
  /** What a `status` event carries, as JSON, without a number of its own. */
  readonly status: Readonly<Record<string, unknown>>;
  /** As the execution lists them, oldest first. */
  readonly fences: readonly LogFence[];
  /** True: the end was sent; the last fence has its `lastSeq` and nothing will change any more. */
  readonly finished: boolean;
  /** True: something may have become of it before anybody listened; the stores are to say so. */
  readonly isUnsure?: boolean;
  /**
   * The view with what a hint of the bus tells, without a look at the store of executions.
   * `undefined`: only the stores know, and so where this is absent.
   */
  readonly after?: (hint: string) => Promise<ExecutionView | undefined>;
}

/**
 * Loads the newest view: live where there is one, else stored. `undefined`: there is no such
 * execution (any more). Only the `first` one of a reader may be unsure.
 */
export type LoadExecutionView = (
  executionId: string,
  which: 'first' | 'next',
) => Promise<ExecutionView | undefined>;
