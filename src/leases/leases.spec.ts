import type { HeldLease } from './held-lease.js';
import { Leases } from './leases.js';
import { MemoryLeaseStore } from './memory-lease-store.js';

const TTL_MS = 60_000;

describe('Leases', () => {
  let store: MemoryLeaseStore;
  let mine: Leases;
  let theirs: Leases;
  const take = (leases: Leases): Promise<HeldLease | undefined> => leases.take('work', TTL_MS);
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const isAway = (): (() => void) => {
    const away = () => Promise.reject(new Error('the store is away'));
    const spies = [jest.spyOn(store, 'find'), jest.spyOn(store, 'renew')].map((spy) =>
      spy.mockImplementation(away),
    );
    return () => spies.forEach((spy) => spy.mockRestore());
  };

  beforeEach(() => {
    jest.useFakeTimers();
    store = new MemoryLeaseStore();
    mine = new Leases(store);
    theirs = new Leases(store);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('one at a time has it, for as long as it is renewed', async () => {
    const lease = await take(mine);
    expect(lease?.fence).toBe(1);
    for (let minute = 0; minute < 10; minute++) {
      await pass(60_000);
      expect(await take(theirs)).toBeUndefined();
      expect(await take(mine)).toBeUndefined();
    }
    expect(lease?.isLost).toBe(false);
    await lease?.release();
    expect((await take(theirs))?.fence).toBe(2);
  });

  it('is taken when it was seen to stand still for its time, not by anybody who comes late', async () => {
    const lease = await take(mine);
    jest.spyOn(store, 'renew').mockReturnValue(new Promise(() => undefined));
    await pass(10 * TTL_MS);
    expect(lease?.isLost).toBe(true);
    expect(await take(theirs)).toBeUndefined();
    await pass(TTL_MS - 1);
    expect(await take(theirs)).toBeUndefined();
    await pass(1);
    expect((await take(theirs))?.fence).toBe(2);
  });

  it('is lost to its holder before anybody can have it', async () => {
    const lease = await take(mine);
    await take(theirs);
    jest.spyOn(store, 'renew').mockRejectedValue(new Error('the store is away'));
    let lostAt: number | undefined;
    const began = performance.now();
    lease?.whenLost(() => (lostAt = performance.now() - began));
    let takenAt: number | undefined;
    while (takenAt === undefined) {
      await pass(1_000);
      if (await take(theirs)) takenAt = performance.now() - began;
    }
    expect(lostAt).toBeLessThanOrEqual(takenAt);
    expect(takenAt).toBe(TTL_MS);
  });

  it('whose store cannot be read, is not taken: its holder cannot renew it either', async () => {
    await take(mine);
    await take(theirs);
    await pass(TTL_MS / 2);
    const comeBack = isAway();
    await expect(take(theirs)).rejects.toThrow('the store is away');
    await pass(TTL_MS);
    await expect(take(theirs)).rejects.toThrow('the store is away');
    comeBack();
    expect(await take(theirs)).toBeUndefined();
  });

  it('tells that somebody else has it', async () => {
    const lease = await take(mine);
    let told = 0;
    lease?.whenLost(() => (told += 1));
    await store.take('work', 'thief', TTL_MS, await store.find('work'));
    await pass(TTL_MS);
    expect([lease?.isLost, told]).toEqual([true, 1]);
    await lease?.release();
    expect((await store.find('work'))?.holder).toBe('thief');
  });

  it('is nobody’s for as long as it was given back for', async () => {
    const lease = await take(mine);
    await lease?.release(TTL_MS);
    await pass(TTL_MS - 1);
    expect([await take(mine), await take(theirs)]).toEqual([undefined, undefined]);
    await pass(1);
    expect((await take(theirs))?.fence).toBe(2);
  });

  it('is not looked at together with another', async () => {
    await take(mine);
    expect((await theirs.take('other work', TTL_MS))?.fence).toBe(1);
  });

  it('does not compare clocks', async () => {
    await take(mine);
    expect(await take(theirs)).toBeUndefined();
    jest.setSystemTime(Date.now() + 3_600_000);
    expect(await take(theirs)).toBeUndefined();
  });
});
