import { endedExecution } from './execution.fixture.js';
import { executionReasons } from './execution-reasons.js';
import { explainQueue } from './queue-explanation.js';

const worker = (changes: object = {}) => ({
  name: 'w',
  status: 'active' as const,
  labels: ['linux'],
  concurrency: 4,
  running: 0,
  refusal: null,
  ...changes,
});
const refusal = { code: 'disk_low', message: 'Less than 512 MiB are free.' };
const lately = [endedExecution('success', {}, { durationMs: 8_000 })];
const queued = { queue: 'linux', reason: executionReasons.queued() };
const codes = (...args: Parameters<typeof explainQueue>) =>
  explainQueue(...args).waits_for.map(({ code }) => code);

describe('explainQueue', () => {
  it('waits for nothing but its turn when a slot is free', () => {
    expect(explainQueue(queued, 0, [worker()], lately)).toEqual({
      labels: ['linux'],
      position: 1,
      ahead: 0,
      workers: 1,
      slots: 4,
      free_slots: 4,
      wait_ms: 0,
      waits_for: [],
      refusals: [],
    });
  });

  it('names missing labels, and no worker that is on its way out', () => {
    const others = [worker({ labels: ['arm'] }), worker({ status: 'draining' })];
    expect(explainQueue(queued, 0, others, lately)).toMatchObject({
      workers: 0,
      wait_ms: null,
      waits_for: [{ code: 'no_worker', data: { labels: ['linux'] } }],
    });
  });

  it('tells the floors of workers that refuse', () => {
    const one = explainQueue(queued, 0, [worker({ refusal })], lately);
    expect(one).toMatchObject({
      slots: 0,
      wait_ms: null,
      waits_for: [{ code: 'workers_refuse' }],
      refusals: [{ code: 'disk_low', message: 'w: Less than 512 MiB are free.' }],
    });
    expect(codes(queued, 0, [worker({ refusal }), worker()], lately)).toEqual([]);
  });

  it('counts busy slots and who is ahead, and guesses the wait', () => {
    const busy = [worker({ running: 4 }), worker({ running: 5 }), worker({ refusal })];
    expect(explainQueue(queued, 3, busy, lately)).toMatchObject({
      position: 4,
      slots: 8,
      free_slots: 0,
      wait_ms: 4_000,
      waits_for: [
        { code: 'slots_busy', data: { slots: 8, workers: 2 } },
        { code: 'queued_behind', data: { ahead: 3 } },
      ],
    });
  });

  it('keeps what was stored, such as a lost worker or a queue that was away', () => {
    const offeredAgain = { queue: 'any', reason: executionReasons.workerLost('w', 1) };
    expect(codes(offeredAgain, 0, [worker()], lately)).toEqual(['worker_lost']);
    const away = { queue: 'any', reason: executionReasons.queueUnavailable() };
    expect(codes(away, 0, [worker({ running: 4 })], lately)).toEqual([
      'slots_busy',
      'queue_unavailable',
    ]);
  });
});
