import { seenWorker } from './seen-worker.js';
import type { WorkerRecord } from './worker.schema.js';

const record = (change: Partial<WorkerRecord>): WorkerRecord => ({
  _id: 'w',
  name: 'w',
  host: 'h',
  pid: 1,
  labels: [],
  concurrency: 4,
  version: '1',
  status: 'active',
  running: 0,
  refusal: null,
  beat: 1,
  started_at: new Date(0),
  heartbeat_at: new Date(0),
  ...change,
});
const request = { at: new Date(0), by: 'ada', reason: null };
const drained = { code: 'drained', message: 'ada asked it to drain' };
const diskLow = { code: 'disk_low', message: 'm' };

describe('seenWorker', () => {
  it('drains as soon as it was asked to', () => {
    const seen = seenWorker(record({ drain_requested: request }));
    expect(seen).toMatchObject({ status: 'draining', refusal: drained });
  });

  it('drains no longer than it is asked to', () => {
    expect(seenWorker(record({ refusal: drained }))).toMatchObject({
      status: 'active',
      refusal: null,
    });
  });

  it('drains while it is stopped, whatever was asked', () => {
    expect(seenWorker(record({ status: 'draining' })).status).toBe('draining');
  });

  it('keeps what it refuses by itself, and what has ended', () => {
    expect(seenWorker(record({ refusal: diskLow })).refusal).toEqual(diskLow);
    const ended = record({ status: 'lost', drain_requested: request });
    expect(seenWorker(ended)).toEqual(ended);
  });
});
