import type { LogFence } from '../store/log-fence.js';
import type { LogFilter } from './log-lines.js';

export interface LogQuery extends LogFilter {
  readonly executionId: string;
  /** As the execution lists them, oldest first. */
  readonly fences: readonly LogFence[];
  /** Lines behind this number; 0 for all. */
  readonly afterSeq: number;
  /** At most so many lines; absent: all. */
  readonly limit?: number;
}
