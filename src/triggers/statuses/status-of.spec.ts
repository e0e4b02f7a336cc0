import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { contextOf, oneLine, statusOf } from './status-of.js';

describe('what a forge is told', () => {
  it.each([
    ['running', 'pending'],
    ['waiting', 'pending'],
    ['failed', 'failure'],
    ['timeout', 'failure'],
    ['cancelled', 'error'],
  ] as const)('of %s is %s', (status, state) => {
    const reason = { code: 'x', message: 'because' };
    expect(statusOf({ status, reason, duration: null }).state).toBe(state);
  });

  it('has the reason, or the time it took', () => {
    const reason = { code: 'step_failed', message: 'the step "test" failed' };
    expect(statusOf({ status: 'failed', reason, duration: 1 }).description).toBe(
      'failed: the step "test" failed',
    );
    expect(statusOf({ status: 'success', reason: null, duration: 12_400 })).toEqual({
      state: 'success',
      description: 'passed in 12 s',
    });
  });

  it('exists for every status', () => {
    for (const status of RUN_STATUSES) {
      expect(statusOf({ status, reason: null, duration: null }).state).toBeDefined();
    }
  });

  it('is one line of at most 140 characters, without half a character', () => {
    expect(oneLine('a\n\tb\u001b[1m  c')).toBe('a b [1m c');
    const long = oneLine(`${'x'.repeat(138)}😀😀`);
    expect(long).toBe(`${'x'.repeat(138)}…`);
    expect(oneLine('y'.repeat(200))).toHaveLength(140);
  });

  it('tells pipelines and kinds of events apart', () => {
    expect([
      contextOf('shop', 'push'),
      contextOf('shop', 'tag'),
      contextOf('shop', 'pull_request'),
    ]).toEqual(['millrace/shop', 'millrace/shop/tag', 'millrace/shop/pr']);
  });
});
