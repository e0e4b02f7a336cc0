import { endedExecution } from '../record/execution.fixture.js';
import { durationEstimate, waitEstimate } from './execution-estimate.js';

const took = (durationMs: number, status: 'success' | 'failed' = 'success') =>
  endedExecution(status, {}, { durationMs });
const now = new Date(1_000_000);
const startedAgo = (ms: number) => new Date(now.getTime() - ms);

describe('durationEstimate', () => {
  it('is the median of successes, less what is over already', () => {
    const finished = [took(300), took(5, 'failed'), took(100), took(200)];
    expect(durationEstimate(finished, startedAgo(50), now)).toEqual({
      duration_ms: 200,
      elapsed_ms: 50,
      remaining_ms: 150,
      based_on: 3,
    });
    expect(durationEstimate(finished, null, now)).toMatchObject({ remaining_ms: 200 });
    expect(durationEstimate(finished, startedAgo(999), now)).toMatchObject({ remaining_ms: 0 });
  });

  it('looks at the last 20 successes', () => {
    const finished = Array.from({ length: 50 }, (_item, n) => took(n < 20 ? 10 : 9_000));
    expect(durationEstimate(finished, null, now)).toMatchObject({ duration_ms: 10, based_on: 20 });
  });

  it('is none without a success', () => {
    expect(durationEstimate([took(5, 'failed')], null, now)).toBeNull();
  });
});

describe('waitEstimate', () => {
  const lately = [took(1_000), took(3_000, 'failed'), took(2_000)];

  it.each([
    ['a slot is free', { ahead: 0, slots: 4, freeSlots: 1 }, 0],
    ['the others take the free slots', { ahead: 1, slots: 4, freeSlots: 1 }, 500],
    ['all are busy', { ahead: 0, slots: 1, freeSlots: 0 }, 2_000],
    ['a long queue', { ahead: 79, slots: 8, freeSlots: 0 }, 20_000],
    ['no worker takes it', { ahead: 0, slots: 0, freeSlots: 0 }, null],
  ])('%s', (_name, queue, expected) => {
    expect(waitEstimate(queue, lately)).toBe(expected);
  });

  it('is unknown when nothing has run yet', () => {
    expect(waitEstimate({ ahead: 0, slots: 1, freeSlots: 0 }, [])).toBeNull();
  });
});
