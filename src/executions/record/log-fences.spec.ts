import { RESERVED_SEQS } from '../../logs/store/log-fence.js';
import type { Placement } from './execution.schema.js';
import { logFencesOf } from './log-fences.js';

const placement = (end: Partial<Placement> = {}): Placement => ({
  claim_id: 'c',
  worker_id: 'w',
  worker_name: 'w',
  claimed_at: new Date(0),
  ...end,
});

const none = { _id: 'e', last_log_chunk: null };

describe('logFencesOf', () => {
  it('is empty before the first claim', () => {
    expect(logFencesOf({ ...none, placements: [], finished_at: null, last_seq: 0 })).toEqual([]);
  });

  it('is open while the attempt runs, and closed by the end of the execution', () => {
    const placements = [placement()];
    expect(logFencesOf({ ...none, placements, finished_at: null, last_seq: 3 })).toEqual([
      { fence: 1, firstSeq: 1 },
    ]);
    expect(logFencesOf({ ...none, placements, finished_at: new Date(), last_seq: 3 })).toEqual([
      { fence: 1, firstSeq: 1, lastSeq: 3 },
    ]);
  });

  it('continues with the next number after an attempt that closed its log', () => {
    const placements = [placement({ last_seq: 7 }), placement()];
    expect(logFencesOf({ ...none, placements, finished_at: null, last_seq: 0 })).toEqual([
      { fence: 1, firstSeq: 1, lastSeq: 7 },
      { fence: 2, firstSeq: 8 },
    ]);
  });

  it('has the end of the log where it is kept with the execution', () => {
    const last_log_chunk = { first_seq: 2, last_seq: 3, raw_bytes: 9, sources: [], data: 'AAEC' };
    const execution = { _id: 'e', placements: [placement()], finished_at: new Date(), last_seq: 3 };
    expect(logFencesOf({ ...execution, last_log_chunk })[0]?.lastChunk).toEqual({
      executionId: 'e',
      fence: 1,
      firstSeq: 2,
      lastSeq: 3,
      rawBytes: 9,
      sources: [],
      data: Buffer.from([0, 1, 2]),
    });
  });

  it('leaves a gap of line numbers after an attempt that never closed its log', () => {
    const placements = [placement({ last_seq: 7, log_lost: true }), placement()];
    expect(
      logFencesOf({ ...none, placements, finished_at: new Date(), last_seq: 99 }).at(-1),
    ).toEqual({
      fence: 2,
      firstSeq: 8 + RESERVED_SEQS,
      lastSeq: 99,
    });
  });
});
