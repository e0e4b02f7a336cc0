import { LeaseWatch, type Reading } from './lease-watch.js';

const LEASE_MS = 15_000;

const beats = (value: string | undefined): Reading => new Map([['w', value]]);

describe('LeaseWatch', () => {
  let watch: LeaseWatch;

  beforeEach(() => {
    watch = new LeaseWatch(LEASE_MS);
    watch.observe(['w'], [beats('1'), beats('1')], 0);
  });

  it('finds a worker lost when both beats stood still for the lease', () => {
    expect(watch.observe(['w'], [beats('1'), beats('1')], LEASE_MS - 1)).toEqual([]);
    expect(watch.observe(['w'], [beats('1'), beats('1')], LEASE_MS)).toEqual(['w']);
  });

  it('keeps a worker that beats in one store only', () => {
    for (let beat = 2; beat < 20; beat++) {
      expect(watch.observe(['w'], [beats(`${beat}`), beats('1')], beat * 5_000)).toEqual([]);
    }
  });

  it('keeps every worker while one store cannot be read, and starts that count again', () => {
    expect(watch.observe(['w'], ['unreachable', beats('1')], LEASE_MS * 4)).toEqual([]);
    expect(watch.observe(['w'], [beats('1'), beats('1')], LEASE_MS * 5 - 1)).toEqual([]);
    expect(watch.observe(['w'], [beats('1'), beats('1')], LEASE_MS * 5)).toEqual(['w']);
  });

  it('finds a worker lost whose Redis beat was emptied away, but only after a further lease', () => {
    expect(watch.observe(['w'], [beats('1'), beats(undefined)], LEASE_MS)).toEqual([]);
    expect(watch.observe(['w'], [beats('1'), beats(undefined)], LEASE_MS * 2)).toEqual(['w']);
  });

  it('gives a worker that it never saw before a whole lease', () => {
    expect(watch.observe(['w', 'new'], [beats('2'), beats('2')], LEASE_MS * 9)).toEqual([]);
  });

  it('watches one store alone', () => {
    const one = new LeaseWatch(LEASE_MS);
    expect(one.observe(['w'], [beats('1')], 0)).toEqual([]);
    expect(one.observe(['w'], [beats('1')], LEASE_MS - 1)).toEqual([]);
    expect(one.observe(['w'], [beats('1')], LEASE_MS)).toEqual(['w']);
    expect(one.observe(['w'], [beats('2')], LEASE_MS)).toEqual([]);
  });

  it('forgets workers that are not watched any more', () => {
    watch.observe([], [beats(undefined), beats(undefined)], 1);
    expect(watch.observe(['w'], [beats('1'), beats('1')], LEASE_MS * 3)).toEqual([]);
  });
});
