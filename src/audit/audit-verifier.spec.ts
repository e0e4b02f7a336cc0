import { auditDraft, CHAIN_START, linked, recordHash, type AuditRecord } from './audit-record.js';
import { AuditVerifier } from './audit-verifier.js';
import { entryOf } from './audit.fixture.js';
import { MemoryAuditStore } from './memory-audit-store.fixture.js';

const ALL = 10_000;

describe('verify', () => {
  let store: MemoryAuditStore;
  let verifier: AuditVerifier;
  const at = (seq: number): AuditRecord => store.records.get(seq) as AuditRecord;
  const forge = (seq: number, change: Partial<AuditRecord>): void => {
    store.records.set(seq, { ...at(seq), ...change });
  };
  const firstBreak = async (): Promise<unknown> => (await verifier.verify(ALL)).firstBreak;

  beforeEach(async () => {
    store = new MemoryAuditStore();
    verifier = new AuditVerifier(store);
    const drafts = Array.from({ length: 1_200 }, () => auditDraft(entryOf()));
    await store.append(linked(CHAIN_START, drafts));
  });

  it('finds a whole chain whole', async () => {
    expect(await verifier.verify(ALL)).toEqual({
      checked: 1_200,
      from: CHAIN_START,
      last: { seq: 1_200, hash: at(1_200).hash },
      isComplete: true,
    });
  });

  it.each<[string, Partial<AuditRecord>]>([
    ['actor', { actor: { kind: 'user', id: 'u', name: 'eve', credential: '' } }],
    ['time', { at: new Date(0) }],
    ['action', { action: 'pipelines.delete' }],
    ['target', { target: null }],
    ['outcome', { outcome: 'refused' }],
    ['reason', { reason: 'other' }],
    ['client', { client: '192.0.2.1' }],
    ['request', { requestId: 'r' }],
    ['details', { details: { a: 1 } }],
    ['id', { id: 'i' }],
    ['form', { form: 2 }],
    ['link', { prev: CHAIN_START.hash }],
    ['hash', { hash: CHAIN_START.hash }],
  ])('finds the first record of which the %s was changed', async (_name, change) => {
    forge(900, change);
    forge(700, change);
    expect(await firstBreak()).toEqual({ seq: 700, kind: 'changed' });
  });

  it('finds a record that was changed with its hash, by the one behind it', async () => {
    const changed = { ...at(700), reason: 'other' };
    forge(700, { ...changed, hash: recordHash(changed) });
    expect(await firstBreak()).toEqual({ seq: 701, kind: 'unlinked' });
  });

  it('finds the first that is missing', async () => {
    store.records.delete(600);
    store.records.delete(601);
    expect(await firstBreak()).toEqual({ seq: 600, kind: 'missing' });
    expect(await verifier.verify(ALL)).toMatchObject({ checked: 599, last: { seq: 599 } });
  });

  it('finds that the first record is missing', async () => {
    store.records.delete(1);
    expect(await firstBreak()).toEqual({ seq: 1, kind: 'missing' });
  });

  it('finds records that were exchanged', async () => {
    const [one, other] = [at(500), at(501)];
    forge(500, { ...other, seq: 500 });
    forge(501, { ...one, seq: 501 });
    expect(await firstBreak()).toEqual({ seq: 500, kind: 'changed' });
  });

  it('continues from where a part of it ended', async () => {
    const part = await verifier.verify(700);
    expect(part).toMatchObject({ checked: 700, last: { seq: 700 }, isComplete: false });
    const rest = await verifier.verify(ALL, part.last);
    expect(rest).toMatchObject({ checked: 500, last: { seq: 1_200 }, isComplete: true });
  });

  it('by an end that was seen before, finds that the newest are gone or were made again', async () => {
    const seen = { seq: 1_200, hash: at(1_200).hash };
    expect(await verifier.verify(ALL, seen)).toMatchObject({ checked: 0, isComplete: true });
    store.records.delete(1_200);
    expect(await firstBreak()).toBeUndefined();
    const missing = { firstBreak: { seq: 1_200, kind: 'missing' } };
    expect(await verifier.verify(ALL, seen)).toMatchObject(missing);
    await store.append(linked(at(1_199), [auditDraft(entryOf())]));
    expect(await firstBreak()).toBeUndefined();
    const changed = { firstBreak: { seq: 1_200, kind: 'changed' } };
    expect(await verifier.verify(ALL, seen)).toMatchObject(changed);
  });

  it('holds behind what retention has removed, and not behind what somebody else has', async () => {
    await store.removeUpTo(at(800));
    expect(await verifier.verify(ALL)).toMatchObject({ checked: 400, from: { seq: 800 } });
    expect(await firstBreak()).toBeUndefined();
    store.records.delete(801);
    expect(await firstBreak()).toEqual({ seq: 801, kind: 'missing' });
  });
});
