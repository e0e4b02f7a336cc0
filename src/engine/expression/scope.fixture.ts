import type { Scope, StepView } from './scope.js';

const compile: StepView = { status: 'success', outputs: { version: '1.2' }, exit_code: 0 };
const unit: StepView = { status: 'failed', outputs: {}, exit_code: 1 };

/**
 * A scope for specs: a push to main, a finished stage `build`, a step `lint` in two other stages.
 */
export function testScope(): Scope {
  return {
    trigger: { event: 'push', branch: 'main', message: 'fix [no-lint]', tag: undefined },
    env: { NODE_ENV: 'test', BAD_PATTERN: '(', 'A-B': 'dash' },
    inputs: { count: 3, flag: true },
    matrix: { node: '20', variable: 'NODE_ENV' },
    pipeline: { id: 'p1', name: 'shop' },
    steps: (name) => {
      if (name === 'lint') return { kind: 'ambiguous', stages: ['a', 'b'] };
      const step = { compile, 'unit (20)': unit }[name];
      return step === undefined ? { kind: 'unknown' } : { kind: 'found', step };
    },
    stages: (name) =>
      name === 'build'
        ? { status: 'success', steps: (step) => (step === 'compile' ? compile : undefined) }
        : undefined,
    status: {
      success: () => true,
      failure: () => false,
      always: () => true,
      cancelled: () => false,
    },
    hashFiles: (patterns) => `hash of ${patterns.join(',')}`,
  };
}
