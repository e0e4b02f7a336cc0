import { MemoryFailureRecords } from '../failures/memory-failure-records.fixture.js';
import { Logger } from '@nestjs/common';
import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import { MemoryServiceStore } from '../record/memory-service-store.fixture.js';
import { rawRows } from './health-chunk.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, type RawRow } from './health-rows.js';
import { HistoryKeeper } from './history-keeper.js';
import { HistoryReader } from './history-reader.js';
import { MemoryHealthHistory } from './memory-health-history.fixture.js';
import { GROUP_MS, MOST_ROWS, ProbeRows } from './probe-rows.js';

const ID = 'default/shop';
const row = (at: number): RawRow => ({
  ...{ at, url: 'http://a.example/', tookMs: 5, failure: null, intervalMs: MINUTE_MS },
});

describe('the history of services', () => {
  let history: MemoryHealthHistory;
  let rows: ProbeRows;
  let reader: HistoryReader;
  let keeper: HistoryKeeper;
  const stored = (resolution: string): number =>
    [...history.chunks.values()].filter((one) => one.resolution === resolution).length;
  /** A probe each minute, stored as a monitor does. */
  const watched = async (from: number, until: number): Promise<void> => {
    for (let at = from; at < until; at += MINUTE_MS) {
      rows.add(ID, row(at));
      await rows.round(at);
    }
    await rows.round(until + GROUP_MS);
  };

  beforeEach(() => {
    const leases = new Leases(new MemoryLeaseStore());
    history = new MemoryHealthHistory();
    rows = new ProbeRows(history);
    reader = new HistoryReader(history);
    keeper = new HistoryKeeper(
      ...([history, reader, new MemoryServiceStore(), leases, new MemoryFailureRecords()] as const),
    );
  });
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['error']);
  });
  afterEach(() => jest.restoreAllMocks());

  it('is written in groups, and whole', async () => {
    await watched(0, HOUR_MS);
    expect(stored('raw')).toBeLessThanOrEqual(13);
    expect(await reader.raw(ID, 0, HOUR_MS)).toHaveLength(60);
    expect(await reader.raw(ID, MINUTE_MS, 3 * MINUTE_MS)).toEqual([
      row(MINUTE_MS),
      row(2 * MINUTE_MS),
    ]);
  });

  it('is kept while the store is away, up to a limit', async () => {
    const spy = jest.spyOn(history, 'insert').mockRejectedValue(new Error('away'));
    for (let n = 0; n < MOST_ROWS + 5; n += 1) rows.add(ID, row(n * 1_000));
    await rows.round(HOUR_MS);
    spy.mockRestore();
    rows.add(ID, row(MOST_ROWS * 1_000 + 5_000));
    await rows.onApplicationShutdown();
    const found = await reader.raw(ID, 0, DAY_MS);
    expect(found).toHaveLength(MOST_ROWS);
    expect(new Set(found.map(({ at }) => at)).size).toBe(MOST_ROWS);
    for (const chunk of history.chunks.values()) {
      const times = rawRows(chunk).map(({ at }) => at);
      expect(Math.max(...times) - Math.min(...times)).toBeLessThan(600_000);
    }
  });

  it('reads the same before and after it is summed up', async () => {
    await watched(0, 26 * HOUR_MS);
    const read = async () => ({
      minutes: await reader.minutes(ID, 2 * HOUR_MS, 26 * HOUR_MS),
      hours: await reader.hours(ID, 2 * HOUR_MS, 26 * HOUR_MS),
    });
    const before = await read();
    expect(before.minutes).toHaveLength(24 * 60);
    expect(before.hours).toHaveLength(24);
    expect(before.hours[0]).toMatchObject({ probes: 60, observedMs: HOUR_MS });
    for (let at = 2 * HOUR_MS; at <= 26.5 * HOUR_MS; at += HOUR_MS / 2) await keeper.round(at);
    expect(stored('minute')).toBe(26);
    expect(stored('hour')).toBe(1);
    expect(await read()).toEqual(before);
  });

  it('is summed up once an hour has settled, also after an outage, and removed by age', async () => {
    await watched(0, 2 * HOUR_MS);
    await keeper.round(HOUR_MS + 10 * MINUTE_MS);
    expect(stored('minute')).toBe(0);
    await keeper.round(HOUR_MS + 15 * MINUTE_MS);
    expect(stored('minute')).toBe(1);
    await keeper.round(20 * HOUR_MS);
    expect(stored('minute')).toBe(2);
    await keeper.round(26 * HOUR_MS);
    expect(stored('raw')).toBe(0);
    expect(await reader.minutes(ID, 0, HOUR_MS)).toHaveLength(60);
    await keeper.round(30 * HOUR_MS);
    expect(stored('hour')).toBe(1);
    await keeper.round(9 * DAY_MS);
    expect(stored('minute')).toBe(0);
    expect(await reader.hours(ID, 0, DAY_MS)).toMatchObject([{ probes: 60 }, { probes: 60 }]);
    await keeper.round(366 * DAY_MS);
    expect(history.chunks.size).toBe(0);
  });
});
