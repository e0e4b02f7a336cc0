import type { EndedSummary } from '../../executions/record/execution-lists.repository.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import type { ToldEnd } from '../alerts/told-end.js';

/** What of an execution says on which line of work it was, and how it went there. */
export type LineOfWork = Pick<EndedSummary, '_id' | 'status' | 'finished_at' | 'trigger_info'>;

const FAILURES: ReadonlySet<RunStatus> = new Set(['failed', 'timeout']);

/**
 * What channels may hear of an end; none of one that nobody is told of.
 * @param before how the execution ended that did so before it on the same line, if there is one
 */
export function eventsOf(status: RunStatus, before: RunStatus | undefined): readonly ToldEnd[] {
  if (FAILURES.has(status)) return ['failure'];
  if (status !== 'success') return [];
  return before !== undefined && FAILURES.has(before) ? ['success', 'fixed'] : ['success'];
}

/**
 * How that of the others ended that was over last before this one, on the same branch, else of the
 * same tag, else without both; what was cancelled does not count. Each pull request is a line of
 * its own: one of a fork may have any name of a branch.
 */
export function endBefore(
  execution: LineOfWork,
  others: readonly LineOfWork[],
): RunStatus | undefined {
  const line = lineOf(execution);
  let last: LineOfWork | undefined;
  for (const one of others) {
    if (!FAILURES.has(one.status) && one.status !== 'success') continue;
    if (lineOf(one) !== line || !isOverBefore(one, execution)) continue;
    if (last === undefined || isOverBefore(last, one)) last = one;
  }
  return last?.status;
}

function lineOf({ trigger_info: { branch, tag, event } }: LineOfWork): string {
  return JSON.stringify([
    branch ?? null,
    branch === undefined ? (tag ?? null) : null,
    event?.number,
  ]);
}

function isOverBefore(one: LineOfWork, other: LineOfWork): boolean {
  const [a, b] = [one.finished_at?.getTime() ?? Infinity, other.finished_at?.getTime() ?? Infinity];
  return a < b || (a === b && one._id < other._id);
}
