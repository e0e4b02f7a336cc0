import type { WorkerRecord } from '../../workers/worker.schema.js';
import { labelsOfQueue, servesQueue } from '../placement/execution-queue.js';
import type { FinishedExecution } from '../record/execution-lists.repository.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StoredReason } from '../record/stored-state.js';
import type { QueueResponse } from './dto/explanation.response.js';
import { waitEstimate } from './execution-estimate.js';

type SeenWorker = Pick<
  WorkerRecord,
  'name' | 'status' | 'labels' | 'concurrency' | 'running' | 'refusal'
>;

/** Of a worker that was told to stop. */
const STOPPING = { code: 'draining', message: 'it is stopping, and lets end what it runs' };

/** What a pending execution waits for, as its queue and the live workers are now. Pure. */
export function explainQueue(
  execution: Pick<ExecutionRecord, 'queue' | 'reason'>,
  ahead: number,
  workers: readonly SeenWorker[],
  lately: readonly FinishedExecution[],
): QueueResponse {
  const labels = labelsOfQueue(execution.queue);
  const able = workers.filter(
    ({ status, labels: offered }) =>
      (status === 'active' || status === 'draining') && servesQueue(offered, execution.queue),
  );
  const taking = able.filter(({ status, refusal }) => status === 'active' && !refusal);
  const slots = taking.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const freeSlots = taking.reduce(
    (sum, { concurrency, running }) => sum + Math.max(0, concurrency - running),
    0,
  );
  return {
    labels,
    position: ahead + 1,
    ahead,
    workers: able.length,
    slots,
    free_slots: freeSlots,
    wait_ms: waitEstimate({ ahead, slots, freeSlots }, lately),
    waits_for: [
      ...blockers(labels, able.length, taking.length, slots, freeSlots),
      ...(ahead > 0 ? [executionReasons.queuedBehind(ahead)] : []),
      ...(execution.reason && execution.reason.code !== 'queued' ? [execution.reason] : []),
    ],
    refusals: able.flatMap((worker) => {
      const refusal = worker.refusal ?? (worker.status === 'draining' ? STOPPING : undefined);
      return refusal ? [{ ...refusal, message: `${worker.name}: ${refusal.message}` }] : [];
    }),
  };
}

function blockers(
  labels: readonly string[],
  able: number,
  taking: number,
  slots: number,
  freeSlots: number,
): StoredReason[] {
  if (able === 0) return [executionReasons.noWorker(labels)];
  if (taking === 0) return [executionReasons.workersRefuse()];
  return freeSlots === 0 ? [executionReasons.slotsBusy(slots, taking)] : [];
}
