import type { TriggerDocument } from '../../engine/definition/definition-document.js';
import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { decideTrigger } from '../../engine/triggers/trigger-decision.js';
import { contextOf, oneLine, statusOf, statusOfSkipped } from './status-of.js';

describe('what a forge is told of what starts nothing', () => {
  const rule = (branch: string): TriggerDocument => ({
    trigger_type: 'git_push',
    config: { branch_patterns: [branch], paths: { include: ['src/**'], exclude: [] } },
  });
  const told = (rules: readonly TriggerDocument[], path: string, isAsked?: boolean): unknown =>
    statusOfSkipped(
      decideTrigger({
        rules,
        trigger: { event: 'push', branch: 'main', changedPaths: [path] },
        enabled: true,
        inputProblems: [],
      }),
      { report_skipped: isAsked },
    );

  it('is that it is not needed, where files are all that a rule misses', () => {
    const needless = expect.objectContaining({ state: 'success' });
    expect(told([rule('main')], 'README.md', true)).toEqual(needless);
    expect(told([rule('dev'), rule('main')], 'README.md', true)).toEqual(needless);
    expect(told([rule('dev')], 'README.md', true)).toBeUndefined();
  });

  it('is nothing unless the connection asks for it, and of what starts', () => {
    expect(told([rule('main')], 'README.md')).toBeUndefined();
    expect(told([rule('main')], 'src/a.ts', true)).toBeUndefined();
  });
});

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
