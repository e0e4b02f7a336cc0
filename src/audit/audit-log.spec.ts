import { Logger } from '@nestjs/common';
import { AuditLog } from './audit-log.js';
import { auditDraft, linked, type AuditRecord } from './audit-record.js';
import { AuditVerifier } from './audit-verifier.js';
import { entryOf } from './audit.fixture.js';
import { MemoryAuditStore } from './memory-audit-store.fixture.js';

const away = (): Error => Object.assign(new Error('away'), { name: 'MongoNetworkError' });

describe('AuditLog', () => {
  let store: MemoryAuditStore;
  let log: AuditLog;
  const stored = (): AuditRecord[] => [...store.records.values()];
  const reasons = (): string[] => stored().map(({ reason }) => reason);
  const isWhole = async (): Promise<boolean> =>
    (await new AuditVerifier(store).verify(10_000)).firstBreak === undefined;

  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    store = new MemoryAuditStore();
    log = new AuditLog(store);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    await log.onApplicationShutdown();
  });

  it('has stored a record when it says so', async () => {
    await log.record(entryOf({ reason: 'one' }));
    expect(reasons()).toEqual(['one']);
  });

  it('stores all that is told meanwhile by one write, in its order', async () => {
    const append = jest.spyOn(store, 'append');
    log.note(entryOf({ reason: '0' }));
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => log.record(entryOf({ reason: `${index + 1}` }))),
    );
    expect(reasons()).toEqual(Array.from({ length: 51 }, (_, index) => `${index}`));
    expect(append.mock.calls.length).toBeLessThanOrEqual(2);
    expect(await isWhole()).toBe(true);
  });

  it('gathers what is noted, and stores it without being asked', async () => {
    jest.useFakeTimers();
    const append = jest.spyOn(store, 'append');
    for (let number = 0; number < 20; number++) log.note(entryOf());
    await jest.advanceTimersByTimeAsync(199);
    expect(append).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(append).toHaveBeenCalledTimes(1);
    expect(stored()).toHaveLength(20);
  });

  it('stores what waits when the process ends', async () => {
    log.note(entryOf({ reason: 'last' }));
    await log.onApplicationShutdown();
    expect(reasons()).toEqual(['last']);
  });

  it('links behind what another process has stored meanwhile', async () => {
    await log.record(entryOf({ reason: 'a' }));
    await store.append(linked(await store.end(), [auditDraft(entryOf({ reason: 'b' }))]));
    await log.record(entryOf({ reason: 'c' }));
    expect(reasons()).toEqual(['a', 'b', 'c']);
    expect(await isWhole()).toBe(true);
  });

  it('makes one chain with other processes, and stores nothing twice', async () => {
    const others = [new AuditLog(store), new AuditLog(store), new AuditLog(store)];
    const append = store.append.bind(store);
    // Between the records of one write those of others find a place.
    jest.spyOn(store, 'append').mockImplementation(async (records) => {
      for (const record of records) {
        if ((await append([record])) === 'taken') return 'taken';
        await new Promise((resolve) => setImmediate(resolve));
      }
      return 'stored';
    });
    await Promise.all(
      [log, ...others].flatMap((each, who) =>
        Array.from({ length: 25 }, (_, index) =>
          each.record(entryOf({ reason: `${who}.${index}` })),
        ),
      ),
    );
    expect(new Set(reasons()).size).toBe(100);
    expect(stored()).toHaveLength(100);
    expect(await isWhole()).toBe(true);
  });

  it('stores once what was written without an answer', async () => {
    const append = store.append.bind(store);
    jest.spyOn(store, 'append').mockImplementationOnce(async (records) => {
      await append(records.slice(0, 2));
      throw away();
    });
    jest.spyOn(store, 'following').mockRejectedValueOnce(away());
    await Promise.all(['a', 'b', 'c'].map((reason) => log.record(entryOf({ reason }))));
    expect(reasons()).toEqual(['a', 'b', 'c']);
    expect(await isWhole()).toBe(true);
  });

  it('stores once what was written late, behind the looking for it', async () => {
    const append = store.append.bind(store);
    const following = store.following.bind(store);
    let late: readonly AuditRecord[] = [];
    jest.spyOn(store, 'append').mockImplementationOnce(async (records) => {
      late = records;
      throw away();
    });
    jest.spyOn(store, 'following').mockImplementationOnce(async (seq, limit) => {
      const there = await following(seq, limit);
      await append(late);
      return there;
    });
    await Promise.all(['a', 'b'].map((reason) => log.record(entryOf({ reason }))));
    expect(reasons()).toEqual(['a', 'b']);
    expect(await isWhole()).toBe(true);
  });

  it('tells whoever waits too long, and stores the record when the database is back', async () => {
    jest.useFakeTimers();
    const down = jest.spyOn(store, 'append').mockRejectedValue(away());
    const told = expect(log.record(entryOf({ reason: 'a' }))).rejects.toMatchObject({
      kind: 'ServiceUnavailableError',
      details: { code: 'audit_not_stored' },
    });
    await jest.advanceTimersByTimeAsync(3_000);
    await told;
    down.mockRestore();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(reasons()).toEqual(['a']);
  });

  it('counts what it has no room for, and says so in the chain', async () => {
    jest.useFakeTimers();
    const down = jest.spyOn(store, 'append').mockRejectedValue(away());
    for (let number = 0; number < 10_007; number++) log.note(entryOf());
    await expect(log.record(entryOf())).rejects.toMatchObject({
      message: 'It was done, but there is no audit record of it: too many wait.',
    });
    down.mockRestore();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(stored()).toHaveLength(10_001);
    expect(stored().filter(({ action }) => action === 'audit.lost')).toMatchObject([
      { details: { records: 8 } },
    ]);
    expect(await isWhole()).toBe(true);
  });

  it('lets nothing wait behind what the database refuses', async () => {
    jest.spyOn(store, 'append').mockRejectedValueOnce(new Error('refused'));
    await expect(log.record(entryOf({ reason: 'a' }))).rejects.toThrow('refused');
    await log.record(entryOf({ reason: 'b' }));
    expect(reasons()).toContain('b');
    await log.flush();
    expect(stored().some(({ action }) => action === 'audit.lost')).toBe(true);
  });
});
