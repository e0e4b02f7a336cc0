import { parseRun, type StoredRun } from './stored-state.js';

const TIME = '2026-01-02T03:04:05.678Z';
const date = new Date(TIME);

function step(name: string): StoredRun['always'][number] {
  return {
    name,
    status: 'success',
    reason: { code: 'started', message: 'x', data: { started_at: TIME } },
    started_at: date,
    finished_at: null,
    duration: null,
    exit_code: 0,
    continued_on_error: false,
    flaky: false,
    outputs: { started_at: TIME, finished_at: TIME },
    attempts: [
      {
        number: 1,
        status: 'success',
        reason: null,
        started_at: date,
        finished_at: date,
        duration: 0,
        exit_code: 0,
        signal: null,
      },
    ],
  };
}

describe('a run that went through JSON', () => {
  it('has its dates again, and nothing else that looks like one', () => {
    const run = {
      started_at: date,
      checkout: step('checkout'),
      stages: [
        {
          name: 'main',
          status: 'success' as const,
          reason: null,
          started_at: date,
          finished_at: date,
          duration: 0,
          steps: [step('a')],
        },
      ],
      on_failure: [step('b')],
      always: [step('c')],
      failure: null,
      commit: null,
    };
    expect(parseRun(JSON.stringify(run))).toEqual(run);
  });
});
