import type { LogFence } from '../logs/log-fence.js';
import { reservedSeqs } from '../logs/log-fence.js';
import type { ExecutionRecord } from './execution.schema.js';

/**
 * Which log lines belong to an execution: one range for each of its attempts. A new attempt goes on with the next number,
 * behind a reserved block when the attempt before never closed its log.
 */
export function logFencesOf(
  execution: Pick<ExecutionRecord, 'placements' | 'finished_at' | 'last_seq'>,
): LogFence[] {
  const fences: LogFence[] = [];
  let firstSeq = 1;
  for (const [index, placement] of execution.placements.entries()) {
    const isLast = index === execution.placements.length - 1;
    const over = isLast && execution.finished_at !== null ? execution.last_seq : undefined;
    const lastSeq = placement.last_seq ?? over;
    fences.push({ fence: index + 1, firstSeq, ...(lastSeq === undefined ? {} : { lastSeq }) });
    firstSeq = (lastSeq ?? firstSeq - 1) + 1 + (placement.log_lost ? reservedSeqs : 0);
  }
  return fences;
}
