import { dueTick } from './due-tick.js';

const HOUR_MS = 3_600_000;
const NOON = Date.parse('2026-06-15T12:00Z');
const rule = { cron: '0 12 * * *', timezone: 'UTC', catchUp: true };

describe('the tick that is due', () => {
  it.each([
    ['before its time', NOON - 1, undefined],
    ['at its time', NOON, { at: NOON, lateMs: 0, kind: 'on_time' }],
    ['a minute late', NOON + 60_000, { at: NOON, lateMs: 60_000, kind: 'on_time' }],
    ['later', NOON + 60_001, { at: NOON, lateMs: 60_001, kind: 'late' }],
  ])('%s', (_when, now, due) => {
    expect(dueTick(rule, NOON - HOUR_MS, now)).toEqual(due);
  });

  it('is none when it is decided', () => {
    expect(dueTick(rule, NOON, NOON + HOUR_MS)).toBeUndefined();
  });

  it('is the newest of many', () => {
    const now = NOON + 23 * HOUR_MS;
    expect(dueTick(rule, NOON - 90 * 24 * HOUR_MS, now)).toMatchObject({ at: NOON, kind: 'late' });
  });

  it('is not made up for when it is a day old, or when the rule says so', () => {
    const weekly = { ...rule, cron: '0 12 * * mon' };
    const late = 24 * HOUR_MS;
    const kindAt = (now: number): unknown => dueTick(weekly, NOON - HOUR_MS, now)?.kind;
    expect([kindAt(NOON + late - 1), kindAt(NOON + late)]).toEqual(['late', 'too_old']);
    const strict = { ...rule, catchUp: false };
    expect(dueTick(strict, NOON - 1, NOON + 60_001)?.kind).toBe('no_catch_up');
    expect(dueTick(strict, NOON - 1, NOON + 60_000)?.kind).toBe('on_time');
  });
});
