import { reservedSeqs } from '../logs/log-fence.js';
import type { Placement } from './execution.schema.js';
import { logFencesOf } from './log-fences.js';

const placement = (end: Partial<Placement> = {}): Placement => ({
  claim_id: 'c',
  worker_id: 'w',
  worker_name: 'w',
  claimed_at: new Date(0),
  ...end,
});

describe('logFencesOf', () => {
  it('is empty before the first claim', () => {
    expect(logFencesOf({ placements: [], finished_at: null, last_seq: 0 })).toEqual([]);
  });

  it('is open while the attempt runs, and closed by the end of the execution', () => {
    const placements = [placement()];
    expect(logFencesOf({ placements, finished_at: null, last_seq: 3 })).toEqual([
      { fence: 1, firstSeq: 1 },
    ]);
    expect(logFencesOf({ placements, finished_at: new Date(), last_seq: 3 })).toEqual([
      { fence: 1, firstSeq: 1, lastSeq: 3 },
    ]);
  });

  it('goes on with the next number after an attempt that closed its log', () => {
    const placements = [placement({ last_seq: 7 }), placement()];
    expect(logFencesOf({ placements, finished_at: null, last_seq: 0 })).toEqual([
      { fence: 1, firstSeq: 1, lastSeq: 7 },
      { fence: 2, firstSeq: 8 },
    ]);
  });

  it('leaves a block out behind an attempt that never closed its log', () => {
    const placements = [placement({ last_seq: 7, log_lost: true }), placement()];
    expect(logFencesOf({ placements, finished_at: new Date(), last_seq: 99 }).at(-1)).toEqual({
      fence: 2,
      firstSeq: 8 + reservedSeqs,
      lastSeq: 99,
    });
  });
});
