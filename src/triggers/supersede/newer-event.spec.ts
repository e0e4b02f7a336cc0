import type { TriggerInfo } from '../../executions/record/execution.schema.js';
import { type EventOf, isNewer, laneOf } from './newer-event.js';

const base = { delivery_id: 'd', repository_id: 'r', repository: 'a/b', default_branch: 'main' };

function push(id: string, commit: string, before?: string, branch = 'main'): EventOf {
  const trigger: TriggerInfo = {
    trigger_type: 'push',
    triggered_by: 'ada',
    timestamp: new Date(0),
    branch,
    commit_hash: commit,
    event: { ...base, fork: false, ...(before !== undefined && { before }) },
  };
  return { id, trigger };
}

describe('the lane of an event', () => {
  const { trigger } = push('1', 'a');
  const event = { ...base, fork: false };

  it.each<[string | undefined, TriggerInfo]>([
    ['push main', trigger],
    ['push dev', { ...trigger, branch: 'dev' }],
    [
      'pull_request 5',
      { ...trigger, trigger_type: 'pull_request', event: { ...event, number: 5 } },
    ],
    [undefined, { ...trigger, trigger_type: 'tag' }],
    [undefined, { ...trigger, trigger_type: 'manual', event: undefined }],
    [undefined, { ...trigger, rerun_of: '0' }],
  ])('is %s', (lane, info) => {
    expect(laneOf(info)).toBe(lane);
  });
});

describe('the newer of two events', () => {
  it('is the one that comes behind the other, whichever came first', () => {
    const first = push('1', 'a', 'root');
    const second = push('2', 'b', 'a');
    expect([isNewer(second, first, []), isNewer(first, second, [])]).toEqual([true, false]);
    const late = push('9', 'a', 'root');
    expect([isNewer(late, second, []), isNewer(second, late, [])]).toEqual([false, true]);
  });

  it('is found over pushes between them', () => {
    const late = push('9', 'a', 'root');
    const last = push('3', 'd', 'c');
    const between = [push('1', 'b', 'a'), push('2', 'c', 'b')];
    expect([isNewer(late, last, between), isNewer(last, late, between)]).toEqual([false, true]);
  });

  it('is the later one where nothing is known, and of one commit', () => {
    expect(isNewer(push('2', 'b'), push('1', 'a'), [])).toBe(true);
    expect(isNewer(push('1', 'b'), push('2', 'a'), [])).toBe(false);
    expect(isNewer(push('2', 'a', 'r'), push('1', 'a', 'r'), [])).toBe(true);
  });

  it('is the forced push back to an earlier commit', () => {
    const first = push('1', 'a', 'root');
    const second = push('2', 'b', 'a');
    const back = push('3', 'a', 'b');
    expect(isNewer(back, second, [first, second])).toBe(true);
    expect(isNewer(second, back, [first, second])).toBe(false);
  });

  it('is told in finite time, whatever the pushes say', () => {
    const circle = [push('1', 'a', 'b'), push('2', 'b', 'a')];
    expect(isNewer(push('4', 'z', 'a'), push('3', 'y'), circle)).toBe(true);
  });
});
