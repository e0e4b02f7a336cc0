import { uuidV7 } from '../../common/ids/uuid.js';
import { type FailureRecord, failureRecordId } from './failure-record.js';
import type { FailureRecords } from './failure-records.js';
import { MemoryFailureRecords } from './memory-failure-records.fixture.js';

/** What every adapter of `FailureRecords` does. */
export function describeFailureRecords(title: string, store: () => FailureRecords): void {
  describe(`${title} as FailureRecords`, () => {
    let service: string;

    beforeEach(() => {
      service = `default/${uuidV7()}`;
    });

    const record = (
      seq: number,
      attempt: number,
      more: Partial<FailureRecord> = {},
    ): FailureRecord => ({
      ...{ _id: failureRecordId(service, seq, attempt), service, seq, attempt },
      ...{ action: 'restart', release: 2, deployment_id: uuidV7(), state: 'decided' },
      ...{ reason: { code: 'checks_failed', message: 'why' }, at: new Date(seq), ...more },
    });

    it('has one record of many that decide the same at once', async () => {
      const all = Array.from({ length: 6 }, () => record(3, 1));
      const added = await Promise.all(all.map((one) => store().add(one)));
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await store().of(service, 10)).toEqual([all[added.indexOf(true)]]);
    });

    it('takes the same record twice, and nothing that is decided otherwise', async () => {
      const first = record(3, 1);
      expect([await store().add(first), await store().add(first)]).toEqual([true, true]);
      const none = record(3, 1, { action: 'none', deployment_id: null, state: 'left' });
      expect(await store().add(none)).toBe(false);
    });

    it('lists those of a service, the newest first', async () => {
      for (const [seq, attempt] of [
        [9, 1],
        [10, 1],
        [10, 2],
      ] as const) {
        await store().add(record(seq, attempt));
      }
      const shown = (await store().of(service, 2)).map(({ seq, attempt }) => [seq, attempt]);
      expect(shown).toEqual([
        [10, 2],
        [10, 1],
      ]);
      expect(await store().of('default/other', 2)).toEqual([]);
    });

    it('settles once what was decided', async () => {
      const one = record(1, 1);
      await store().add(one);
      const own = async (): Promise<number> =>
        (await store().decided()).filter(({ _id }) => _id === one._id).length;
      expect(await own()).toBe(1);
      await store().settle(one._id, 'begun');
      await store().settle(one._id, 'dropped');
      expect((await store().of(service, 1))[0]?.state).toBe('begun');
      expect(await own()).toBe(0);
    });

    it('forgets a service, and what is old', async () => {
      await store().add(record(1, 1));
      await store().add(record(2_000, 1));
      await store().removeBefore(new Date(1_000));
      expect((await store().of(service, 9)).map(({ seq }) => seq)).toEqual([2_000]);
      await store().removeOf(service);
      expect(await store().of(service, 9)).toEqual([]);
    });
  });
}

const memory = new MemoryFailureRecords();
describeFailureRecords('MemoryFailureRecords', () => memory);
