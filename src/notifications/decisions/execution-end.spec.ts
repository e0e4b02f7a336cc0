import { endedExecution, pendingExecution } from '../../executions/record/execution.fixture.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import { endBefore, eventsOf } from './execution-end.js';

type Info = Partial<ExecutionRecord['trigger_info']>;

/** Ended `at` so many ms after the first. */
function ended(
  status: 'success' | 'failed' | 'cancelled' | 'timeout',
  at: number,
  info: Info = { branch: 'main' },
): ExecutionRecord {
  const { trigger_info: own } = pendingExecution();
  const created_at = new Date(1_000_000);
  const trigger_info = { ...own, ...info };
  return endedExecution(status, { created_at, trigger_info }, { durationMs: at });
}

describe('what channels may hear of an end', () => {
  it.each([
    ['failed', undefined, ['failure']],
    ['timeout', 'success', ['failure']],
    ['failed', 'failed', ['failure']],
    ['success', undefined, ['success']],
    ['success', 'success', ['success']],
    ['success', 'failed', ['success', 'fixed']],
    ['success', 'timeout', ['success', 'fixed']],
    ['cancelled', 'failed', []],
    ['skipped', 'failed', []],
  ] as const)('of %s after %s is %j', (status, before, events) => {
    expect(eventsOf(status, before)).toEqual(events);
  });
});

describe('the end before', () => {
  const now = ended('success', 1_000);

  it('is none where nothing ended before', () => {
    expect(endBefore(now, [now, pendingExecution(), ended('failed', 2_000)])).toBeUndefined();
  });

  it('is the last by the time of the end, in whatever order they began', () => {
    const others = [ended('success', 100), ended('failed', 900), ended('success', 500)];
    expect(endBefore(now, others)).toBe('failed');
    expect(endBefore(now, [...others].reverse())).toBe('failed');
    expect(endBefore(now, [...others, ended('success', 950)])).toBe('success');
  });

  it('is none that was cancelled', () => {
    expect(endBefore(now, [ended('cancelled', 900), ended('timeout', 800)])).toBe('timeout');
  });

  it.each<[string, Info, Info, boolean]>([
    ['the same branch', { branch: 'main' }, { branch: 'main', tag: 'v1' }, true],
    ['another branch', { branch: 'main' }, { branch: 'next' }, false],
    ['a branch, of a tag', { tag: 'v1' }, { branch: 'v1' }, false],
    ['the same tag', { tag: 'v1' }, { tag: 'v1' }, true],
    ['another tag', { tag: 'v2' }, { tag: 'v1' }, false],
    ['neither, as this one', {}, {}, true],
    ['a pull request of a branch of this name', { branch: 'main' }, pull('main', 7), false],
    ['the same pull request', pull('main', 7), pull('main', 7), true],
  ])('is that of %s', (_title, mine, other, isIt) => {
    const found = endBefore(ended('success', 1_000, mine), [ended('failed', 500, other)]);
    expect(found).toBe(isIt ? 'failed' : undefined);
  });
});

function pull(branch: string, number: number): Info {
  const event = { repository_id: 'r', repository: 'acme/shop', default_branch: 'main' };
  return { branch, event: { ...event, fork: true, number } };
}
