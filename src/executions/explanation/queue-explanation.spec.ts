import { executionReasons } from '../record/execution-reasons.js';
import { endedExecution } from '../record/execution.fixture.js';
import { explainQueue, queueBlocker } from './queue-explanation.js';

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

  it('says first what a GET of the execution says', () => {
    const cases = [[], [worker({ refusal })], [worker({ running: 4 })], [worker()]];
    const said = cases.map((workers) => queueBlocker('linux', workers));
    expect(said.map((reason) => reason?.code)).toEqual([
      ...['no_worker', 'workers_refuse', 'slots_busy', undefined],
    ]);
    for (const [index, workers] of cases.entries()) {
      expect(explainQueue(queued, 0, workers, lately).waits_for[0]).toEqual(said[index]);
    }
  });

  it('names missing labels', () => {
    expect(explainQueue(queued, 0, [worker({ labels: ['arm'] })], lately)).toMatchObject({
      workers: 0,
      wait_ms: null,
      waits_for: [{ code: 'no_worker', data: { labels: ['linux'] } }],
    });
  });

  it('calls workers that drain so, and counts no slot of them', () => {
    const drained = { code: 'drained', message: 'ada asked it to drain' };
    const draining = [
      worker({ name: 'a', status: 'draining', refusal: drained }),
      worker({ name: 'b', status: 'draining' }),
    ];
    expect(explainQueue(queued, 0, draining, lately)).toMatchObject({
      workers: 2,
      slots: 0,
      waits_for: [{ code: 'workers_refuse' }],
      refusals: [
        { code: 'drained', message: 'a: ada asked it to drain' },
        { code: 'draining', message: 'b: it is stopping, and lets end what it runs' },
      ],
    });
    expect(codes(queued, 0, [...draining, worker()], lately)).toEqual([]);
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
