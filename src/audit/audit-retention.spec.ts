import { Logger } from '@nestjs/common';
import { MemoryAudit } from '../common/audit/memory-audit.fixture.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { auditDraft, CHAIN_START, linked, type AuditRecord } from './audit-record.js';
import { AuditRetention } from './audit-retention.js';
import { AuditVerifier } from './audit-verifier.js';
import { entryOf } from './audit.fixture.js';
import { MemoryAuditStore } from './memory-audit-store.fixture.js';

const DAY_MS = 24 * 3600 * 1000;
const now = Date.parse('2026-05-04T03:02:01.000Z');

describe('AuditRetention', () => {
  let store: MemoryAuditStore;
  let audit: MemoryAudit;
  let retention: AuditRetention;
  const left = (): number[] => [...store.records.keys()];

  /** A record for each of these ages. */
  const fill = async (days: readonly number[]): Promise<AuditRecord[]> => {
    const drafts = days.map((age) => auditDraft(entryOf({ at: new Date(now - age * DAY_MS) })));
    const records = linked(CHAIN_START, drafts);
    await store.append(records);
    return records;
  };

  beforeEach(() => {
    store = new MemoryAuditStore();
    audit = new MemoryAudit();
    retention = new AuditRetention({ auditRetention: 30 } as MillraceConfig, store, audit);
  });
  afterEach(() => jest.restoreAllMocks());

  it('removes from the beginning, and the rest still holds', async () => {
    const records = await fill([40, 35, 31, 29, 20, 1]);
    await retention.round(now);
    expect(left()).toEqual([4, 5, 6]);
    const verified = await new AuditVerifier(store).verify(100);
    expect(verified).toMatchObject({ checked: 3, from: { seq: 3, hash: records[2]?.hash } });
    expect(verified.firstBreak).toBeUndefined();
    expect(audit.entries).toMatchObject([
      { action: 'audit.retention', details: { from: 1, to: 3, hash: records[2]?.hash } },
    ]);
  });

  it('keeps what is old behind what is not: clocks of processes differ', async () => {
    await fill([40, 29, 31, 20]);
    await retention.round(now);
    expect(left()).toEqual([2, 3, 4]);
  });

  it('keeps the newest record, however old', async () => {
    await fill([50, 49, 48]);
    await retention.round(now);
    expect(left()).toEqual([3]);
    await retention.round(now);
    expect(left()).toEqual([3]);
    expect(audit.entries).toHaveLength(1);
  });

  it('removes nothing where there is nothing', async () => {
    await retention.round(now);
    expect(audit.entries).toEqual([]);
    expect(await store.anchor()).toBeUndefined();
  });

  it('goes step by step through many', async () => {
    await fill(Array.from({ length: 10_050 }, () => 40).concat(1));
    await retention.round(now);
    expect(left()).toEqual([10_051]);
    expect(audit.entries.map(({ details }) => details?.['to'])).toEqual([10_000, 10_050]);
  });

  it('stops at a record that is missing', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    await fill([40, 40, 40, 1]);
    store.records.delete(3);
    await retention.round(now);
    expect(left()).toEqual([1, 2, 4]);
    expect(error).toHaveBeenCalledWith({ seq: 3 }, expect.stringContaining('missing'));
  });
});
