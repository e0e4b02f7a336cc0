import { endedExecution, pendingExecution } from './execution.fixture.js';
import type { ExecutionRecord } from './execution.schema.js';
import type { Settlement } from './executions.repository.js';
import { logFencesOf } from './log-fences.js';
import { toldEnd, withToldEnd } from './told-end.js';

const at = new Date('2026-01-01T00:00:00Z');
const placement = { claim_id: 'c', worker_id: 'w', worker_name: 'w', claimed_at: at };
const lost = { ...placement, last_seq: 7, log_lost: true };

const known = pendingExecution({
  placements: [lost],
  attempt: 1,
  trigger_info: { trigger_type: 'manual', triggered_by: 'ada', timestamp: at },
});
const whole: Settlement = {
  status: 'failed',
  reason: { code: 'step_failed', message: 'm' },
  started_at: at,
  finished_at: new Date(at.getTime() + 250),
  last_seq: 10_000_012,
  last_log_chunk: {
    first_seq: 10_000_008,
    last_seq: 10_000_012,
    raw_bytes: 3,
    sources: [],
    data: 'YWJj',
  },
  checkout: null,
  stages: [
    {
      ...{
        name: 's',
        status: 'failed',
        reason: null,
        started_at: at,
        finished_at: at,
        duration: 0,
      },
      steps: [
        {
          ...{ name: 'a', status: 'failed', reason: null, started_at: at, finished_at: at },
          ...{ duration: 0, exit_code: 3, continued_on_error: false, flaky: false },
          outputs: { started_at: 'a text' },
          attempts: [],
        },
      ],
    },
  ],
  on_failure: [],
  always: [],
  failure: null,
  commit: null,
};

/** As the store has it after the same end. */
function stored(claimed: ExecutionRecord): ExecutionRecord {
  return { ...claimed, ...whole, duration: 250 };
}

const running: ExecutionRecord = {
  ...{ ...known, status: 'running', attempt: 2, placements: [lost, placement] },
};

it.each([
  ['runs', running],
  ['was about to be claimed', known],
])('is what the store has, where what is known %s', (_case, before) => {
  const ended = withToldEnd(before, toldEnd(2, whole) ?? '');
  const { placements } = running;
  expect(ended && { ...ended.execution, placements }).toEqual(stored(running));
  expect(ended?.fences).toEqual(logFencesOf(stored(running)));
});

it.each<[string, ExecutionRecord, number]>([
  ['an attempt before it', known, 3],
  ['a later attempt', running, 1],
  ['its own wait, which has an attempt of its own behind it', { ...known, status: 'waiting' }, 2],
])('is left to the store by whoever knows %s', (_case, before, fence) => {
  expect(withToldEnd(before, toldEnd(fence, whole) ?? '')).toBeUndefined();
});

it('is not told where the store keeps parts of the run as they are, or nobody ran it', () => {
  const { status, reason, started_at, finished_at, last_seq, ...run } = whole;
  expect(toldEnd(1, { status, reason, started_at, finished_at, last_seq })).toBeUndefined();
  expect(toldEnd(1, { status, reason, started_at, finished_at, ...run })).toBeUndefined();
  expect(toldEnd(undefined, whole)).toBeUndefined();
  expect(withToldEnd(endedExecution('success'), toldEnd(2, whole) ?? '')).toBeUndefined();
});
