import type { RunStatus } from './run-state.js';

/** What an execution, a stage or a step ends with. */
export type TerminalStatus = Extract<
  RunStatus,
  'success' | 'failed' | 'cancelled' | 'timeout' | 'skipped'
>;

/**
 * The one transition table of `RunStatus`, for executions, stages and steps alike.
 *
 * - `pending` and `waiting` change into each other freely: what stands in the way comes and goes.
 * - `running` goes back to `waiting` or `pending` for a step between two attempts and for an
 *   execution whose worker was lost.
 * - A step can fail or time out without running again (its `when` cannot be evaluated; the limit of
 *   its stage passes while it waits for its next attempt), but it cannot succeed without running.
 * - `success`, `failed`, `cancelled`, `timeout` and `skipped` are terminal: nothing leaves them.
 */
const MOVES: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['waiting', 'running', 'failed', 'cancelled', 'timeout', 'skipped'],
  waiting: ['pending', 'running', 'failed', 'cancelled', 'timeout', 'skipped'],
  running: ['pending', 'waiting', 'success', 'failed', 'cancelled', 'timeout'],
  success: [],
  failed: [],
  cancelled: [],
  timeout: [],
  skipped: [],
};

/** Every status, in the order of the documentation. */
export const RUN_STATUSES = Object.keys(MOVES) as readonly RunStatus[];

/** A move that the table does not know: always a defect of ours, never an outcome of a run. */
export class IllegalMoveError extends Error {
  readonly code = 'illegal_status_move';

  constructor(
    readonly subject: string,
    readonly from: RunStatus,
    readonly to: RunStatus,
  ) {
    super(`${subject} cannot go from ${from} to ${to}`);
    this.name = 'IllegalMoveError';
  }
}

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return MOVES[status].length === 0;
}

/**
 * The statuses among `from` that may change into `to`: what a compare-and-set asks for, so that it
 * refuses every move that the table does not know.
 *
 * @throws IllegalMoveError if the table knows none of these moves.
 */
export function movesInto(
  subject: string,
  from: readonly [RunStatus, ...RunStatus[]],
  to: RunStatus,
): readonly RunStatus[] {
  const legal = from.filter((status) => canMove(status, to));
  if (legal.length === 0) throw new IllegalMoveError(subject, from[0], to);
  return legal;
}

/** True if the move is in the table. Staying where one is is not a move. */
export function canMove(from: RunStatus, to: RunStatus): boolean {
  return MOVES[from].includes(to);
}

/**
 * Checks a move of `subject` (its name, for the message).
 *
 * @throws IllegalMoveError if the table does not know the move.
 */
export function assertMove(subject: string, from: RunStatus, to: RunStatus): void {
  if (!canMove(from, to)) throw new IllegalMoveError(subject, from, to);
}
