import { isTerminal } from '../../engine/plan/run-status.js';
import type { ExecutionRecord } from '../record/execution.schema.js';

/** What is kept. 0 = that rule keeps everything. */
export interface RetentionRule {
  /** Days after its end. */
  readonly days: number;
  /** Finished executions of one pipeline, the newest ones by their acceptance. */
  readonly count: number;
}

const DAY_MS = 86_400_000;
/**
 * Whatever the count says, an execution stays so long after its end: its readers are still there,
 * and a worker that was taken for lost may still write to its log.
 */
const LEAST_MS = 10 * 60_000;

/** Executions that ended before this may go by their age; undefined: none goes. */
export function expiredBefore({ days }: RetentionRule, now: number): Date | undefined {
  return days === 0 ? undefined : new Date(now - Math.max(days * DAY_MS, LEAST_MS));
}

/** Executions that ended before this may go by their number; undefined: none goes. */
export function surplusBefore({ count }: RetentionRule, now: number): Date | undefined {
  return count === 0 ? undefined : new Date(now - LEAST_MS);
}

/** The last word before a removal: over, and over since before that time. */
export function isExpired(
  { status, finished_at }: Pick<ExecutionRecord, 'status' | 'finished_at'>,
  endedBefore: Date,
): boolean {
  return isTerminal(status) && finished_at !== null && finished_at < endedBefore;
}
