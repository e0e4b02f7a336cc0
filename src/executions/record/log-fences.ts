import type { LogFence } from '../../logs/store/log-fence.js';
import { RESERVED_SEQS } from '../../logs/store/log-fence.js';
import type { ExecutionRecord, Placement } from './execution.schema.js';
import { logChunkOf } from './stored-log-chunk.js';

/** What of an execution says where its log is. */
export interface LoggedExecution extends Pick<
  ExecutionRecord,
  '_id' | 'finished_at' | 'last_seq' | 'last_log_chunk'
> {
  readonly placements: readonly Pick<Placement, 'last_seq' | 'log_lost'>[];
}

/**
 * Which log lines belong to an execution: one range for each of its attempts. A new attempt
 * continues with the next number, behind a reserved block when the attempt before never closed its
 * log.
 */
export function logFencesOf(execution: LoggedExecution): LogFence[] {
  const fences: LogFence[] = [];
  let firstSeq = 1;
  for (const [index, placement] of execution.placements.entries()) {
    const isLast = index === execution.placements.length - 1;
    const over = isLast && execution.finished_at !== null ? execution.last_seq : undefined;
    const lastSeq = placement.last_seq ?? over;
    const kept = isLast ? execution.last_log_chunk : null;
    fences.push({
      fence: index + 1,
      firstSeq,
      ...(lastSeq !== undefined && { lastSeq }),
      ...(kept && { lastChunk: logChunkOf(execution._id, index + 1, kept) }),
    });
    firstSeq = (lastSeq ?? firstSeq - 1) + 1 + (placement.log_lost ? RESERVED_SEQS : 0);
  }
  return fences;
}
