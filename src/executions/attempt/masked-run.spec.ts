import type { RunState, StepState } from '../../engine/plan/run-state.js';
import { maskedRun, maskedTrace } from './masked-run.js';

const mask = (text: string): string => text.replaceAll('secret', '***');
const reason = { code: 'secret', message: 'a secret', data: { key: ['secret', 1] } };
const maskedReason = { code: 'secret', message: 'a ***', data: { key: ['***', 1] } };
const step: StepState = {
  name: 'secret',
  status: 'failed',
  reason,
  outputs: { token: 'the secret', secret: 'x' },
  attempts: [{ number: 1, status: 'failed', reason, startedAt: 1, exitCode: 1 }],
};
const maskedStep = {
  ...step,
  reason: maskedReason,
  outputs: { token: 'the ***', '***': 'x' },
  attempts: [{ ...step.attempts[0], reason: maskedReason }],
};

it('a run is masked wherever foreign words may stand, and stays what it is', () => {
  const state: RunState = {
    status: 'failed',
    reason,
    startedAt: 1,
    checkout: step,
    stages: [{ name: 'secret', status: 'failed', reason, steps: [step] }],
    onFailure: [step],
    always: [step],
    failure: { stage: 'secret', step: 'x', reason, lastLines: ['secret', 'last'] },
    commit: { sha: 'secret', message: 'secret', author: 'secret' },
  };
  expect(maskedRun(state, mask)).toEqual({
    ...state,
    reason: maskedReason,
    checkout: maskedStep,
    stages: [{ name: 'secret', status: 'failed', reason: maskedReason, steps: [maskedStep] }],
    onFailure: [maskedStep],
    always: [maskedStep],
    failure: { stage: 'secret', step: 'x', reason: maskedReason, lastLines: ['***', 'last'] },
    commit: { sha: 'secret', message: '***', author: '***' },
  });
});

it('a run without any of it is the same', () => {
  const state: RunState = {
    status: 'success',
    stages: [{ name: 'a', status: 'success', steps: [] }],
    onFailure: [],
    always: [],
  };
  expect(maskedRun(state, mask)).toEqual(state);
});

it('a trace is masked in its expression, its parts and their values', () => {
  const trace = {
    expression: "a == 'secret'",
    result: true,
    parts: [{ text: "'secret'", value: { deep: ['secret'] } }],
  };
  expect(maskedTrace(trace, mask)).toEqual({
    expression: "a == '***'",
    result: true,
    parts: [{ text: "'***'", value: { deep: ['***'] } }],
  });
});
