import { uuidV7 } from '../../common/ids/uuid.js';
import { rawChunk, rawRows, summaryChunk, summaryRows } from './health-chunk.js';
import type { HealthHistory } from './health-history.js';
import type { RawRow, SummaryRow } from './health-rows.js';
import { MemoryHealthHistory } from './memory-health-history.fixture.js';

const row = (at: number, more: Partial<RawRow> = {}): RawRow => ({
  ...{ at, url: 'http://a.example/', tookMs: 5, failure: null, intervalMs: 10_000, ...more },
});
const minute: SummaryRow = {
  ...{ at: 60_000, probes: 6, failed: 1, observedMs: 60_000, averageMs: 7, maxMs: 9 },
};

/** What every adapter of `HealthHistory` does. */
export function describeHealthHistory(title: string, history: () => HealthHistory): void {
  describe(`${title} as HealthHistory`, () => {
    let service: string;
    beforeEach(() => {
      service = `default/s-${uuidV7()}`;
    });
    const between = (from: number, until: number, limit = 10) =>
      history().between(service, 'raw', new Date(from), new Date(until), limit);

    it('keeps rows as they were, once', async () => {
      const rows = [row(1_000), row(2_000, { failure: 'timeout', url: 'tcp://b.example:1' })];
      const chunks = [rawChunk(service, rows), rawChunk(service, [row(9_000)])];
      await history().insert(chunks.slice(0, 1));
      await history().insert(chunks);
      const found = await between(0, 10_000);
      expect(found.map(rawRows)).toEqual([rows, [row(9_000)]]);
      await history().insert([summaryChunk(service, 'minute', 0, [minute])]);
      const minutes = await history().between(service, 'minute', new Date(0), new Date(1), 1);
      expect(minutes.map(summaryRows)).toEqual([[minute]]);
    });

    it('finds those that begin within a time, the oldest first', async () => {
      for (const at of [3_000, 1_000, 2_000, 4_000]) {
        await history().insert([rawChunk(service, [row(at)])]);
      }
      const times = async (from: number, until: number, limit?: number) =>
        (await between(from, until, limit)).map((one) => one.from.getTime());
      expect(await times(2_000, 4_000)).toEqual([2_000, 3_000]);
      expect(await times(0, 9_000, 2)).toEqual([1_000, 2_000]);
      const services = await history().services('raw', new Date(2_000), new Date(2_001));
      expect(services).toContain(service);
      expect(await history().services('hour', new Date(0), new Date(9_000))).not.toContain(service);
    });

    it('removes by age and by service', async () => {
      const chunks = [1_000, 2_000].map((at) => rawChunk(service, [row(at)]));
      await history().insert([...chunks, summaryChunk(service, 'minute', 0, [minute])]);
      await history().removeBefore('raw', new Date(2_000));
      expect((await between(0, 9_000)).map((one) => one.from)).toEqual([new Date(2_000)]);
      const minutes = () => history().between(service, 'minute', new Date(0), new Date(1), 1);
      expect(await minutes()).toHaveLength(1);
      await history().removeService(service);
      expect(await between(0, 9_000)).toEqual([]);
      expect(await minutes()).toEqual([]);
    });
  });
}

const memory = new MemoryHealthHistory();
describeHealthHistory('MemoryHealthHistory', () => memory);
