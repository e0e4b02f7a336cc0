import type { DrainRequest, WorkerRecord, WorkerRefusal } from './worker.schema.js';

/**
 * The record of a worker with what somebody asked of it. The worker hears a request at its next
 * heartbeat and writes what it made of it at the one after; readers are not to see the time before
 * last.
 */
export function seenWorker(record: WorkerRecord): WorkerRecord {
  if (record.status !== 'active' && record.status !== 'draining') return record;
  const { drain_requested: request, refusal } = record;
  if (request) return { ...record, status: 'draining', refusal: drainRefusal(request) };
  return refusal?.code === DRAINED ? { ...record, refusal: null } : record;
}

const DRAINED = 'drained';

export function drainRefusal({ by, reason }: DrainRequest): WorkerRefusal {
  const why = reason === null ? '' : `: ${reason}`;
  return { code: DRAINED, message: `${by} asked it to drain${why}` };
}
