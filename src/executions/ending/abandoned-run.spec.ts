import type { RunStatus } from '../../engine/plan/run-state.js';
import type { StoredRun, StoredStep } from '../record/stored-state.js';
import { abandonedRun } from './abandoned-run.js';

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

  it('ends as begun what was seen to have begun, although nobody told it', () => {
    const seen = [
      { stage: 'b', step: 'never', attempt: 1, at: new Date(4_000) },
      { stage: 'a', step: 'now', attempt: 1, at: new Date(2_500) },
      { stage: 'a', step: 'now', attempt: 2, at: new Date(3_500) },
      { stage: 'always', step: 'hook', attempt: 1, at: new Date(4_500) },
      { stage: 'a', step: 'done', attempt: 9, at: new Date(4_500) },
    ];
    const ended = abandonedRun(run, 'failed', reason, at, seen);
    expect(ended.stages[1]).toMatchObject({ status: 'failed', started_at: new Date(4_000) });
    expect(ended.stages[1]?.steps[0]).toMatchObject({
      status: 'failed',
      reason,
      started_at: new Date(4_000),
      duration: 1_000,
      attempts: [{ number: 1, status: 'failed', reason, duration: 1_000 }],
    });
    const now = ended.stages[0]?.steps[1];
    expect(now?.started_at).toEqual(new Date(2_000));
    expect(now?.attempts.map(({ number }) => number)).toEqual([1, 2]);
    expect(ended.always[0]).toMatchObject({ status: 'failed', started_at: new Date(4_500) });
    expect(ended.stages[0]?.steps[0]).toEqual(run.stages[0]?.steps[0]);
    expect(ended.stages[0]?.steps[2]?.status).toBe('skipped');
  });

  it('cancels what had not begun too, when it was cancelled', () => {
    const cancel = { code: 'cancelled_by_user', message: 'Cancelled.' };
    expect(abandonedRun(run, 'cancelled', cancel, at).stages[1]).toMatchObject({
      status: 'cancelled',
      steps: [{ status: 'cancelled', reason: cancel }],
    });
  });
});
