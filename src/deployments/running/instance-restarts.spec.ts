import type { RestartLimit } from '../../engine/steps/deploy/deploy-action.js';
import type { Release } from '../record/deployment.js';
import { InstanceRestarts } from './instance-restarts.js';

const NOW = 1_000_000_000;

function release(type: string, restart?: RestartLimit): Release {
  return { _id: 'r', settings: { type, ...(restart && { restart }) } } as unknown as Release;
}

describe('the restarts of an instance', () => {
  let restarts: InstanceRestarts;

  beforeEach(() => (restarts = new InstanceRestarts()));

  const said = (of: Release, seconds: readonly number[]) =>
    seconds.map((second) => restarts.next(of, NOW + second * 1_000));

  it('have longer and longer pauses, and no end without a limit', () => {
    const one = release('docker_container');
    expect(said(one, [0, 0.5, 1, 2, 3, 6, 7])).toEqual([
      ...['start', 'wait', 'start', 'wait', 'start', 'wait', 'start'],
    ]);
    for (let minute = 1; minute < 50; minute += 1) {
      expect(restarts.next(one, NOW + minute * 61_000)).toBe('start');
    }
  });

  it('are used up, however much later it is, until it runs', () => {
    const one = release('docker_container', { max: 1, windowMs: 10_000 });
    expect(said(one, [0, 1, 2, 500])).toEqual(['start', 'used_up', 'used_up', 'used_up']);
    expect(restarts.has(one)).toBe(true);
    restarts.noteRunning(one, new Date(NOW + 501_000), NOW + 501_000);
    expect(restarts.has(one)).toBe(false);
    expect(said(one, [502])).toEqual(['start']);
  });

  it('are counted within the window alone', () => {
    const one = release('docker_container', { max: 2, windowMs: 10_000, backoffMs: 100 });
    expect(said(one, [0, 5, 11, 16, 18])).toEqual(['start', 'start', 'start', 'start', 'used_up']);
  });

  it('begin with the first pause again where it ran for the window', () => {
    const one = release('docker_container', { max: 9, windowMs: 10_000, backoffMs: 4_000 });
    expect(said(one, [0, 4])).toEqual(['start', 'start']);
    const startedAt = new Date(NOW + 4_000);
    restarts.noteRunning(one, startedAt, NOW + 14_000);
    expect(restarts.has(one)).toBe(true);
    restarts.noteRunning(one, startedAt, NOW + 14_001);
    expect(said(one, [20, 23, 24])).toEqual(['start', 'wait', 'start']);
  });

  it('are not those of a program, which its supervisor counts', () => {
    const one = release('local_service', { max: 0, windowMs: 10_000 });
    expect(said(one, [0, 1, 3])).toEqual(['start', 'start', 'start']);
  });
});
