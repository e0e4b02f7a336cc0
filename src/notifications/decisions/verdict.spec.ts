import { DEFAULT_CHECK } from '../../service-registry/checks/service-check.js';
import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import type { ServiceChange } from '../../service-registry/record/watched-service.js';
import {
  lastWithin,
  type Quiet,
  quietOf,
  type QuietTime,
  verdictOn,
  waitForRoots,
} from './verdict.js';

const at = (time: number): { readonly at: Date } => ({ at: new Date(time) });

describe('a change of state', () => {
  it.each<[ServiceStatus, string, string]>([
    ['running', 'failed degraded', 'running stopped'],
    ['degraded', 'failed running stopped', 'degraded'],
    ['failed', 'degraded running stopped', 'failed'],
    ['stopped', 'failed degraded', 'running stopped'],
  ])('after %s is told when it is to %s, and taken as it is to %s', (told, news, settled) => {
    const all: ServiceStatus[] = [
      'starting',
      'running',
      'degraded',
      'stopped',
      'failed',
      'unknown',
    ];
    const those = (verdict: string): string[] =>
      all.filter((to) => verdictOn(told, to) === verdict).sort();
    expect(those('tell')).toEqual(news.split(' ').sort());
    expect(those('settle')).toEqual(settled.split(' ').sort());
    expect(those('skip')).toEqual(['starting', 'unknown']);
  });

  it.each<[string, Quiet, number, number[], QuietTime[]]>([
    ['outside of all quiet times', 'none', 50, [60], [{ from: 60, until: null }]],
    ['at the end of one', 'none', 50, [60], [{ from: 10, until: 50 }]],
    ['in one that is not over', 'wait', 50, [60], [{ from: 50, until: null }]],
    ['the last in one that is over', 'none', 50, [70], [{ from: 10, until: 70 }]],
    ['not the last in it', 'replaced', 50, [69], [{ from: 10, until: 70 }]],
    [
      ...(['in two, one not over', 'wait', 50, [69]] as [string, Quiet, number, number[]]),
      [
        { from: 10, until: 70 },
        { from: 40, until: null },
      ],
    ],
  ])('%s: %s', (_which, quiet, own, later, times) => {
    expect(quietOf(at(own), later.map(at), times)).toBe(quiet);
  });
});

describe('the wait for what a service needs', () => {
  const check = { ...DEFAULT_CHECK, interval_seconds: 10, timeout_seconds: 5, down: 3 };

  it('is as long as it takes to ask each once more, or to see that it fails', () => {
    expect(waitForRoots(check, [])).toBe(0);
    expect(waitForRoots(check, [check])).toBe(15_000);
    expect(waitForRoots({ ...check, interval_seconds: 1 }, [check])).toBe(42_000);
    expect(waitForRoots(check, [{ ...check, interval_seconds: 1 }, check])).toBe(15_000);
    expect(waitForRoots(check, [{ ...check, interval_seconds: 86_400 }])).toBe(300_000);
  });
});

describe('a state within a time', () => {
  const change = (time: number, to: ServiceStatus): ServiceChange => ({
    ...{ _id: `a:${time}`, service: 'a', seq: time, from: null, to, at: new Date(time) },
    reason: { code: 'c', message: 'm' },
  });
  const changes = [change(40, 'running'), change(30, 'failed'), change(10, 'running')];

  it.each([
    [0, 29, undefined],
    [0, 30, 30],
    [35, 36, 30],
    [40, 99, 30],
    [41, 99, undefined],
  ])('from %d to %d is that of the change of %s', (from, to, found) => {
    expect(lastWithin(changes, ['failed'], from, to)?.seq).toBe(found);
  });

  it('is the present one up to now', () => {
    expect(lastWithin(changes.slice(1), ['failed', 'stopped'], 90, 99)?.seq).toBe(30);
    expect(lastWithin([], ['failed'], 0, 99)).toBeUndefined();
  });
});
