import type { ExecutionRecord } from './execution.schema.js';
import { durationOf, type Settlement } from './executions.repository.js';
import { type LoggedExecution, logFencesOf } from './log-fences.js';
import { parseRun, runOf, type StoredRun } from './stored-state.js';
import type { LogFence } from '../../logs/store/log-fence.js';

type WholeEnd = StoredRun & Required<Pick<Settlement, keyof StoredRun | 'last_seq'>> & Settlement;

/** What of an end travels to live readers: all that they tell, and where its log ends. */
type ToldEnd = StoredRun &
  Pick<WholeEnd, 'status' | 'reason' | 'started_at' | 'finished_at' | 'last_seq'> &
  Pick<Settlement, 'last_log_chunk'> & { readonly fence: number };

/** An execution as its end was told. */
export interface EndedByTelling {
  readonly execution: ExecutionRecord;
  readonly fences: readonly LogFence[];
}

/**
 * The end that attempt `fence` has stored, as JSON for live readers. `undefined` for one that never
 * began or leaves parts of the run as they are stored: only the store has the whole of it.
 */
export function toldEnd(fence: number | undefined, settlement: Settlement): string | undefined {
  if (fence === undefined || !isWhole(settlement)) return undefined;
  const { status, reason, started_at, finished_at, last_seq, last_log_chunk } = settlement;
  const end: ToldEnd = {
    ...{ ...runOf(settlement), fence, status, reason, started_at, finished_at, last_seq },
    ...(last_log_chunk && { last_log_chunk }),
  };
  return JSON.stringify(end);
}

/**
 * The execution with an end that was told. `undefined`: what is known of it is not of that attempt,
 * nor of the moment before that was claimed; the store knows more.
 */
export function withToldEnd(known: ExecutionRecord, text: string): EndedByTelling | undefined {
  const { fence, ...end } = parseRun<ToldEnd>(text);
  const isBefore = known.status === 'pending' && known.attempt === fence - 1;
  if (known.attempt !== fence && !isBefore) return undefined;
  const execution: ExecutionRecord = {
    ...{ ...known, ...end, attempt: fence, duration: durationOf(end) },
  };
  // Which worker has it is not known here, and is nothing that a log needs.
  const placements: LoggedExecution['placements'] = isBefore
    ? [...known.placements, {}]
    : known.placements;
  return { execution, fences: logFencesOf({ ...execution, placements }) };
}

function isWhole(settlement: Settlement): settlement is WholeEnd {
  const { stages, last_seq } = settlement;
  return stages !== undefined && last_seq !== undefined;
}
