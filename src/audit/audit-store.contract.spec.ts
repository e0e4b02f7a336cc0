import type { AuditEntry } from '../common/audit/audit.js';
import { auditDraft, CHAIN_START, linked, type AuditRecord } from './audit-record.js';
import type { AuditStore } from './audit-store.js';
import { entryOf } from './audit.fixture.js';
import { MemoryAuditStore } from './memory-audit-store.fixture.js';

const MINUTE = 60_000;
const begin = Date.parse('2026-05-04T03:02:01.007Z');

export function describeAuditStore(name: string, create: () => Promise<AuditStore>): void {
  describe(`${name}: a store of audit records`, () => {
    let store: AuditStore;
    let records: AuditRecord[];

    const chainOf = (entries: readonly Partial<AuditEntry>[]): AuditRecord[] =>
      linked(
        CHAIN_START,
        entries.map((entry, index) =>
          auditDraft(entryOf({ at: new Date(begin + index * MINUTE), ...entry })),
        ),
      );

    beforeEach(async () => {
      store = await create();
      records = chainOf([{}, {}, {}, {}, {}]);
    });

    it('begins at the start of the chain', async () => {
      expect(await store.end()).toEqual(CHAIN_START);
      expect(await store.following(0, 10)).toEqual([]);
      expect(await store.anchor()).toBeUndefined();
      expect(await store.firstSince(new Date(0))).toBeUndefined();
    });

    it('gives back every record exactly as it was', async () => {
      records = chainOf([
        { target: undefined, details: {} },
        { reason: 'bad_token', outcome: 'refused', client: '2001:db8::1', requestId: 'r-1' },
        {
          actor: { kind: 'user', id: 'u', name: 'Zoë 😀', credential: 'session s' },
          details: { __proto__x: 'y', text: '"\\\u2028', number: 1.5, flag: false, nothing: null },
        },
      ]);
      expect(await store.append(records)).toBe('stored');
      expect(await store.following(0, 10)).toEqual(records);
      expect(await store.end()).toMatchObject({ seq: 3, hash: records[2]?.hash });
    });

    it('takes no number twice, and nothing behind one that is taken', async () => {
      const [first, second, third] = records;
      const other = linked(first ?? CHAIN_START, [auditDraft(entryOf())]);
      await store.append([first, ...other] as AuditRecord[]);
      expect(await store.append([second, third] as AuditRecord[])).toBe('taken');
      expect(await store.following(0, 10)).toEqual([first, ...other]);
    });

    it('stores what stands before a number that is taken', async () => {
      const [first, second, third, fourth] = records as [
        AuditRecord,
        AuditRecord,
        AuditRecord,
        AuditRecord,
      ];
      await store.append([third]);
      expect(await store.append([first, second, { ...third, id: 'other' }, fourth])).toBe('taken');
      expect(await store.following(0, 10)).toEqual([first, second, third]);
    });

    it('pages forward by numbers', async () => {
      await store.append(records);
      expect(await store.following(1, 2)).toEqual(records.slice(1, 3));
      expect(await store.following(5, 2)).toEqual([]);
    });

    it('finds by actor, action, target, outcome and time, newest first', async () => {
      const actor = { kind: 'user', id: 'u-1', name: 'ada', credential: '' } as const;
      const target = { kind: 'pipeline', id: 'p-1', name: 'shop' };
      records = chainOf([
        { actor },
        { actor, target, action: 'pipelines.delete' },
        { target, outcome: 'refused' },
        { actor, outcome: 'refused', target },
      ]);
      await store.append(records);
      const found = async (filter: Parameters<AuditStore['search']>[0]): Promise<number[]> =>
        (await store.search(filter, { limit: 10 })).items.map(({ seq }) => seq);
      expect(await found({})).toEqual([4, 3, 2, 1]);
      expect(await found({ actor: 'u-1' })).toEqual([4, 2, 1]);
      expect(await found({ actor: 'ada', target: 'shop' })).toEqual([4, 2]);
      expect(await found({ target: 'p-1', outcome: 'refused' })).toEqual([4, 3]);
      expect(await found({ action: 'pipelines.delete' })).toEqual([2]);
      const from = new Date(begin + MINUTE);
      expect(await found({ from, to: new Date(begin + 2 * MINUTE) })).toEqual([3, 2]);
      expect(await found({ actor: 'nobody' })).toEqual([]);
    });

    it('pages backward by numbers', async () => {
      await store.append(records);
      const first = await store.search({}, { limit: 2 });
      expect(first.items.map(({ seq }) => seq)).toEqual([5, 4]);
      expect(first.next).toBe('4');
      const second = await store.search({}, { limit: 3, before: 4 });
      expect(second.items.map(({ seq }) => seq)).toEqual([3, 2, 1]);
      expect(second.next).toBeUndefined();
    });

    it('says which record is the first of a time', async () => {
      await store.append(records);
      expect(await store.firstSince(new Date(begin + MINUTE + 1))).toBe(3);
      expect(await store.firstSince(new Date(begin + 9 * MINUTE))).toBeUndefined();
    });

    it('removes the oldest, and keeps where they ended', async () => {
      await store.append(records);
      const [, second, third] = records as [AuditRecord, AuditRecord, AuditRecord];
      expect(await store.removeUpTo(second)).toBe(true);
      expect(await store.anchor()).toEqual({ seq: 2, hash: second.hash });
      expect(await store.following(0, 10)).toEqual(records.slice(2));
      // A second process that had the same in mind, and one that was late.
      expect(await store.removeUpTo(second)).toBe(false);
      expect(await store.removeUpTo(third)).toBe(true);
      expect(await store.removeUpTo(second)).toBe(false);
      expect(await store.anchor()).toEqual({ seq: 3, hash: third.hash });
    });

    it('continues from the anchor where no record is left', async () => {
      await store.append(records);
      const last = records.at(-1) as AuditRecord;
      await store.removeUpTo(last);
      expect(await store.end()).toEqual({ seq: 5, hash: last.hash });
    });
  });
}

describeAuditStore('MemoryAuditStore', async () => new MemoryAuditStore());
