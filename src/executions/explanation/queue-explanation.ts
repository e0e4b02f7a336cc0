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

/** How many workers offer the labels of a queue, and what those have that take executions now. */
interface Room {
  readonly able: readonly SeenWorker[];
  readonly taking: number;
  readonly slots: number;
  readonly freeSlots: number;
}

/** What a pending execution waits for, as its queue and the live workers are now. Pure. */
export function explainQueue(
  execution: Pick<ExecutionRecord, 'queue' | 'reason'>,
  ahead: number,
  workers: readonly SeenWorker[],
  lately: readonly FinishedExecution[],
): QueueResponse {
  const room = roomFor(execution.queue, workers);
  const { able, slots, freeSlots } = room;
  const blocker = blockerOf(execution.queue, room);
  return {
    labels: labelsOfQueue(execution.queue),
    position: ahead + 1,
    ahead,
    workers: able.length,
    slots,
    free_slots: freeSlots,
    wait_ms: waitEstimate({ ahead, slots, freeSlots }, lately),
    waits_for: [
      ...(blocker ? [blocker] : []),
      ...(ahead > 0 ? [executionReasons.queuedBehind(ahead)] : []),
      ...(execution.reason && execution.reason.code !== 'queued' ? [execution.reason] : []),
    ],
    refusals: able.flatMap((worker) => {
      const refusal = worker.refusal ?? (worker.status === 'draining' ? STOPPING : undefined);
      return refusal ? [{ ...refusal, message: `${worker.name}: ${refusal.message}` }] : [];
    }),
  };
}

/** Why no worker takes executions of a queue now; undefined: one does. Pure. */
export function queueBlocker(
  queue: string,
  workers: readonly SeenWorker[],
): StoredReason | undefined {
  return blockerOf(queue, roomFor(queue, workers));
}

function roomFor(queue: string, workers: readonly SeenWorker[]): Room {
  const able = workers.filter(
    ({ status, labels }) =>
      (status === 'active' || status === 'draining') && servesQueue(labels, queue),
  );
  const taking = able.filter(({ status, refusal }) => status === 'active' && !refusal);
  return {
    able,
    taking: taking.length,
    slots: taking.reduce((sum, { concurrency }) => sum + concurrency, 0),
    freeSlots: taking.reduce(
      (sum, { concurrency, running }) => sum + Math.max(0, concurrency - running),
      0,
    ),
  };
}

function blockerOf(
  queue: string,
  { able, taking, slots, freeSlots }: Room,
): StoredReason | undefined {
  if (able.length === 0) return executionReasons.noWorker(labelsOfQueue(queue));
  if (taking === 0) return executionReasons.workersRefuse();
  return freeSlots === 0 ? executionReasons.slotsBusy(slots, taking) : undefined;
}
