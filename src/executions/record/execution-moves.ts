import type { RunStatus } from '../../engine/plan/run-state.js';
import { movesInto, type TerminalStatus } from '../../engine/plan/run-status.js';
import type { Suspension } from './suspension.js';
import type { ExecutionRecord } from './execution.schema.js';

/** Who writes: an attempt may change the execution only while it holds it. */
export interface Hold {
  readonly executionId: string;
  /** The execution attempt that writes. */
  readonly fence: number;
}

/**
 * What is to end: an execution by the attempt that holds it, or, without a fence, one that no
 * worker holds.
 */
export type EndTarget = Pick<Hold, 'executionId'> & Partial<Pick<Hold, 'fence'>>;

/** What a move asks of the stored execution. */
export type MoveFilter = {
  readonly _id: string;
  readonly status: RunStatus | { readonly $in: RunStatus[] };
  readonly attempt?: number;
  /** `null`: nobody wants it cancelled. */
  readonly cancel_requested?: null;
  /** `null`: nobody has said anything. */
  readonly approvals_given?: number | null;
};

/** What an attempt re-reads while it runs. */
export type HoldState = Pick<ExecutionRecord, '_id' | 'status' | 'attempt' | 'cancel_requested'> & {
  /** Absent: it was never suspended. */
  readonly suspension?: Pick<Suspension, 'attempt'> | undefined;
};

/** A pending execution becomes a worker's. */
export function claimMove(executionId: string): MoveFilter {
  const status = from(executionId, ['pending'], 'running');
  return { _id: executionId, status, cancel_requested: null };
}

/** An execution waits for people from now on, and no attempt holds it any more. */
export function suspendMove({ executionId, fence }: Hold): MoveFilter {
  const status = from(executionId, ['running'], 'waiting');
  return { _id: executionId, status, attempt: fence, cancel_requested: null };
}

/**
 * What an execution waited for is decided, by so many words of people: another one in between
 * refuses it.
 */
export function continueMove({ executionId, fence }: Hold, approvals: number): MoveFilter {
  const status = from(executionId, ['waiting'], 'pending');
  const approvals_given = approvals === 0 ? null : approvals;
  return { _id: executionId, status, attempt: fence, cancel_requested: null, approvals_given };
}

/** An execution goes from the attempt that holds it back to the queue. */
export function requeueMove({ executionId, fence }: Hold): MoveFilter {
  const status = from(executionId, ['running'], 'pending');
  return { _id: executionId, status, attempt: fence, cancel_requested: null };
}

/**
 * An execution ends. With any other status than `cancelled` only when nobody wants it cancelled.
 * @throws IllegalMoveError for an end that it cannot have: what no worker holds cannot succeed
 */
export function endMove({ executionId, fence }: EndTarget, to: TerminalStatus): MoveFilter {
  const unlessCancelled = to === 'cancelled' ? {} : { cancel_requested: null };
  if (fence === undefined) {
    const status = from(executionId, ['pending', 'waiting'], to);
    return { _id: executionId, status, ...unlessCancelled };
  }
  const status = from(executionId, ['running'], to);
  return { _id: executionId, status, attempt: fence, ...unlessCancelled };
}

/** Why an execution that is not over did not make a move of `target`. */
export function refusedMove(
  stored: Omit<HoldState, '_id'>,
  { fence }: EndTarget,
): 'cancel_requested' | 'fenced' {
  const isOurs =
    fence === undefined
      ? stored.status !== 'running'
      : stored.status === 'running' && stored.attempt === fence;
  return isOurs && stored.cancel_requested ? 'cancel_requested' : 'fenced';
}

function from(
  executionId: string,
  statuses: readonly [RunStatus, ...RunStatus[]],
  to: RunStatus,
): MoveFilter['status'] {
  const legal = movesInto(`execution ${executionId}`, statuses, to);
  const [only] = legal;
  return legal.length === 1 && only !== undefined ? only : { $in: [...legal] };
}
