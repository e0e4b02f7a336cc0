import { hoursOf, minutesOf, type RawRow, type SummaryRow } from './health-rows.js';

const A = 'http://a.example/';
const row = (at: number, more: Partial<RawRow> = {}): RawRow => ({
  ...{ at, url: A, tookMs: 10, failure: null, intervalMs: 10_000, ...more },
});
const every = (ms: number, from: number, until: number, more: Partial<RawRow> = {}): RawRow[] =>
  Array.from({ length: (until - from) / ms }, (_, n) =>
    row(from + n * ms, { intervalMs: ms, ...more }),
  );

describe('rows of the history', () => {
  it('sum up what was seen within each minute', () => {
    const rows = every(10_000, 0, 120_000);
    rows[3] = row(30_000, { failure: 'timeout', tookMs: 70 });
    expect(minutesOf(rows)).toEqual([
      { at: 0, probes: 6, failed: 1, observedMs: 60_000, averageMs: 20, maxMs: 70 },
      { at: 60_000, probes: 6, failed: 0, observedMs: 60_000, averageMs: 10, maxMs: 10 },
    ]);
  });

  it('count time without probes as not observed, in whichever minute that is', () => {
    const [first, second] = minutesOf([row(40_000), row(50_000)]);
    expect(first).toMatchObject({ at: 0, observedMs: 20_000 });
    expect(second).toBeUndefined();
    expect(minutesOf([row(50_000), row(115_000)])).toMatchObject([
      { at: 0, observedMs: 10_000 },
      { at: 60_000, observedMs: 5_000 },
    ]);
    const slow = minutesOf(every(90_000, 0, 180_000));
    expect(slow).toMatchObject([
      { at: 0, observedMs: 60_000 },
      { at: 60_000, observedMs: 60_000 },
    ]);
  });

  it('count what was seen of the endpoint that was seen least', () => {
    const rows = [...every(10_000, 0, 60_000), row(0, { url: 'tcp://b.example:1' })];
    expect(minutesOf(rows)).toMatchObject([{ probes: 7, observedMs: 10_000 }]);
  });

  it('sum up minutes to hours', () => {
    const minute = (at: number, more: Partial<SummaryRow> = {}): SummaryRow => ({
      ...{ at, probes: 6, failed: 0, observedMs: 60_000, averageMs: 10, maxMs: 10, ...more },
    });
    const more = { failed: 2, probes: 2, averageMs: 50, maxMs: 80, observedMs: 20_000 };
    expect(hoursOf([minute(0), minute(60_000, more), minute(3_600_000)])).toEqual([
      { at: 0, probes: 8, failed: 2, observedMs: 80_000, averageMs: 20, maxMs: 80 },
      { at: 3_600_000, probes: 6, failed: 0, observedMs: 60_000, averageMs: 10, maxMs: 10 },
    ]);
  });
});
