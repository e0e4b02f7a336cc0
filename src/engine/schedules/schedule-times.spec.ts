import { ScheduleTimes } from './schedule-times.js';
import { TimeZone } from './time-zone.js';

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';

function next(cron: string, timezone: string, after: string, count: number): string[] {
  return new ScheduleTimes({ cron, timezone })
    .next(Date.parse(after), count)
    .map((instant) => new Date(instant).toISOString().slice(0, 16));
}

describe('the times of a schedule', () => {
  it.each<[string, string, string, string[]]>([
    ['0 3 * * *', 'UTC', '2026-05-01T02:59:59.999Z', ['2026-05-01T03:00', '2026-05-02T03:00']],
    ['0 3 * * *', 'UTC', '2026-05-01T03:00:00.000Z', ['2026-05-02T03:00']],
    ['30 9 * * *', 'Asia/Kolkata', '2026-05-01T00:00Z', ['2026-05-01T04:00']],
    ['0 1 * * *', 'Pacific/Auckland', '2026-07-01T12:30Z', ['2026-07-01T13:00']],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 0 31 * *', 'UTC', '2026-01-31T00:00Z', ['2026-03-31T00:00', '2026-05-31T00:00']],
    // Both days restricted: either.
    ['0 0 13 * fri', 'UTC', '2026-02-01T00:00Z', ['2026-02-06T00:00', '2026-02-13T00:00']],
    ['0 0 13 * fri', 'UTC', '2026-04-10T00:00Z', ['2026-04-13T00:00', '2026-04-17T00:00']],
    // One of them begins with a star: both.
    ['0 0 */2 * mon', 'UTC', '2026-02-01T00:00Z', ['2026-02-09T00:00', '2026-02-23T00:00']],
  ])('%s in %s after %s', (cron, zone, after, times) => {
    expect(next(cron, zone, after, times.length)).toEqual(times);
  });

  // Berlin: 02:00 to 03:00 on 28 March 2027 (01:00 UTC). New York: on 14 March (07:00 UTC).
  it.each<[string, string, string, string[]]>([
    ['30 2 * * *', BERLIN, '2027-03-27T12:00Z', ['2027-03-28T01:00', '2027-03-29T00:30']],
    ['0 2 * * *', BERLIN, '2027-03-27T12:00Z', ['2027-03-28T01:00', '2027-03-29T00:00']],
    ['0,30 2,3 * * *', BERLIN, '2027-03-28T00:00Z', ['2027-03-28T01:00', '2027-03-28T01:30']],
    ['* 2 * * *', BERLIN, '2027-03-27T12:00Z', ['2027-03-28T01:00', '2027-03-29T00:00']],
    ['30 2 * * *', NEW_YORK, '2027-03-13T12:00Z', ['2027-03-14T07:00', '2027-03-15T06:30']],
    ['15 2 14 3 *', NEW_YORK, '2027-01-01T00:00Z', ['2027-03-14T07:00', '2028-03-14T06:15']],
  ])('a fixed hour that spring leaves out: %s in %s', (cron, zone, after, times) => {
    expect(next(cron, zone, after, times.length)).toEqual(times);
  });

  // Berlin: 03:00 to 02:00 on 31 October 2027 (01:00 UTC). New York: on 7 November (06:00 UTC).
  it.each<[string, string, string, string[]]>([
    ['30 2 * * *', BERLIN, '2027-10-30T12:00Z', ['2027-10-31T00:30', '2027-11-01T01:30']],
    ['0 2 * * *', BERLIN, '2027-10-30T12:00Z', ['2027-10-31T00:00', '2027-11-01T01:00']],
    [
      '30 1-3 * * *',
      BERLIN,
      '2027-10-30T23:00Z',
      ['2027-10-30T23:30', '2027-10-31T00:30', '2027-10-31T02:30'],
    ],
    ['30 1 * * *', NEW_YORK, '2027-11-06T12:00Z', ['2027-11-07T05:30', '2027-11-08T06:30']],
  ])('a fixed hour that autumn has twice: %s in %s', (cron, zone, after, times) => {
    expect(next(cron, zone, after, times.length)).toEqual(times);
  });

  it.each([
    ['0 * * * *', BERLIN, '2027-03-28T00:00', 60],
    ['*/15 * * * *', BERLIN, '2027-03-28T00:00', 15],
    ['30 */1 * * *', NEW_YORK, '2027-03-14T05:00', 60],
    ['0 * * * *', BERLIN, '2027-10-30T22:00', 60],
    ['*/15 * * * *', NEW_YORK, '2027-11-07T04:00', 15],
  ])('%s in %s comes after equal times through a change', (cron, zone, after, minutes) => {
    const times = new ScheduleTimes({ cron, timezone: zone }).next(Date.parse(`${after}Z`), 40);
    const steps = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 60_000);
    expect(new Set(steps)).toEqual(new Set([minutes]));
  });

  it('a step of hours never takes longer than it says', () => {
    expect(next('0 */2 * * *', BERLIN, '2027-03-27T22:00Z', 4)).toEqual([
      '2027-03-27T23:00',
      '2027-03-28T01:00',
      '2027-03-28T02:00',
      '2027-03-28T04:00',
    ]);
    expect(next('0 */2 * * *', BERLIN, '2027-10-30T21:00Z', 4)).toEqual([
      '2027-10-30T22:00',
      '2027-10-31T00:00',
      '2027-10-31T01:00',
      '2027-10-31T03:00',
    ]);
  });

  it('the newest one of a span, its end included and its beginning not', () => {
    const times = new ScheduleTimes({ cron: '0 3 * * *', timezone: BERLIN });
    const tick = Date.parse('2027-01-05T02:00Z');
    expect(times.newest(tick - 1, tick)).toBe(tick);
    expect(times.newest(tick, tick + 3_600_000)).toBeUndefined();
    expect(times.newest(tick - 10 * 86_400_000, tick + 86_399_999)).toBe(tick);
    expect(times.newest(tick, tick - 1)).toBeUndefined();
  });

  it('a change of half an hour', () => {
    const zone = TimeZone.of('Australia/Lord_Howe');
    // 02:00 to 02:30 on 3 October 2027.
    const local = Date.parse('2027-10-03T02:15Z');
    expect(zone.resolve(local)).toEqual({
      kind: 'left_out',
      validAt: Date.parse('2027-10-02T15:30Z'),
      shifted: Date.parse('2027-10-02T15:45Z'),
    });
  });

  it('a name that is no zone', () => {
    expect(() => TimeZone.of('Mars/Olympus')).toThrow(RangeError);
  });
});
