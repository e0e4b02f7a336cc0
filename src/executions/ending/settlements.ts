import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { Settlement } from '../record/executions.repository.js';
import type { StoredReason, StoredRun } from '../record/stored-state.js';
import { waitedMs } from '../record/suspension.js';
import { abandonedRun, type SeenAttempt } from './abandoned-run.js';

type Abandoned = StoredRun & Pick<ExecutionRecord, 'started_at'>;
type Cancelled = Pick<ExecutionRecord, 'cancel_requested'>;
type Waiting = Partial<Pick<ExecutionRecord, 'status' | 'suspension' | 'waited'>>;

/**
 * The end of an execution whose run will never tell its own: nobody has it, or whoever has it
 * cannot continue.
 */
export function abandonedSettlement(
  execution: Abandoned,
  status: 'failed' | 'cancelled',
  reason: StoredReason,
  at: Date = new Date(),
  seen: readonly SeenAttempt[] = [],
): Settlement {
  return {
    ...abandonedRun(execution, status, reason, at, seen),
    status,
    reason,
    started_at: execution.started_at,
    finished_at: at,
  };
}

/** The end of an execution that somebody wants cancelled and that no worker holds. */
export function cancelledSettlement(execution: Abandoned & Cancelled & Waiting): Settlement {
  const at = new Date();
  const settlement = abandonedSettlement(execution, 'cancelled', cancelReason(execution), at);
  if (execution.status !== 'waiting') return settlement;
  return { ...settlement, waited: waitedMs(execution, at) };
}

/** What the request to cancel it says; of a user whom nobody knows, if the request is gone. */
export function cancelReason({ cancel_requested }: Cancelled): StoredReason {
  return executionReasons.cancelled(cancel_requested?.by ?? 'a user', cancel_requested?.reason);
}
