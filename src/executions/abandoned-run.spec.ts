import type { RunStatus } from '../engine/plan/run-state.js';
import { abandonedRun, cancelledRun } from './abandoned-run.js';
import type { StoredRun, StoredStep } from './stored-state.js';

const at = new Date(5_000);
const reason = { code: 'worker_lost', message: 'lost' };

function step(name: string, status: RunStatus, startedAt: number | null): StoredStep {
  const started_at = startedAt === null ? null : new Date(startedAt);
  const times = { started_at, finished_at: null, duration: null };
  const attempt = { number: 1, status, reason: null, exit_code: null, signal: null };
  return {
    ...{ name, status, reason: null, ...times },
    exit_code: null,
    continued_on_error: false,
    flaky: false,
    outputs: {},
    attempts: started_at ? [{ ...attempt, ...times, started_at }] : [],
  };
}

const run: StoredRun = {
  checkout: step('checkout', 'success', 0),
  stages: [
    {
      name: 'a',
      status: 'running',
      reason: null,
      started_at: new Date(1_000),
      finished_at: null,
      duration: null,
      steps: [
        step('done', 'success', 1_000),
        step('now', 'running', 2_000),
        step('later', 'waiting', null),
      ],
    },
    {
      name: 'b',
      status: 'waiting',
      reason: null,
      started_at: null,
      finished_at: null,
      duration: null,
      steps: [step('never', 'waiting', null)],
    },
  ],
  on_failure: [],
  always: [step('hook', 'waiting', null)],
  failure: null,
  commit: null,
};

describe('abandonedRun', () => {
  it('ends what ran, skips what had not begun, and keeps what was over', () => {
    const ended = abandonedRun(run, 'failed', reason, at);
    expect(ended.checkout).toEqual(run.checkout);
    expect(ended.stages[0]).toMatchObject({ status: 'failed', reason, duration: 4_000 });
    expect(ended.stages[0]?.steps.map(({ status }) => status)).toEqual([
      'success',
      'failed',
      'skipped',
    ]);
    expect(ended.stages[0]?.steps[1]).toMatchObject({
      finished_at: at,
      duration: 3_000,
      attempts: [{ status: 'failed', reason, finished_at: at }],
    });
    expect(ended.stages[1]).toMatchObject({ status: 'skipped', finished_at: null });
    expect(ended.always[0]).toMatchObject({ status: 'skipped', reason });
  });

  it('cancels what had not begun too, when nobody had it', () => {
    const ended = cancelledRun({ ...run, cancel_requested: { at, by: 'ada', reason: 'wrong' } });
    expect(ended).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled_by_user' } });
    expect(ended.stages[1]).toMatchObject({
      status: 'cancelled',
      steps: [{ status: 'cancelled', reason: ended.reason }],
    });
    expect(ended.reason.message).toBe('Cancelled by ada: wrong.');
  });
});
