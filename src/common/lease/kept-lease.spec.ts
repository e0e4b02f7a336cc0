import { KeptLease, type KeptLeaseOptions, type RenewedStore } from './kept-lease.js';

const EVERY_MS = 1_000;

/** A store whose next answers a test decides. */
class TestStore implements RenewedStore {
  answer: () => Promise<'kept' | 'lost'> = () => Promise.resolve('kept');
  readonly counts: number[] = [];
  readonly ends: string[] = [];

  renew(count: number): Promise<'kept' | 'lost'> {
    this.counts.push(count);
    return this.answer();
  }

  renewed(error?: unknown): void {
    this.ends.push(error instanceof Error ? error.message : 'kept');
  }
}

describe('KeptLease', () => {
  let first: TestStore;
  let second: TestStore;
  let lost: number;
  let lease: KeptLease;
  const create = (options: Partial<KeptLeaseOptions> = {}): void => {
    lease = new KeptLease({
      everyMs: EVERY_MS,
      stores: [first, second],
      onLost: () => (lost += 1),
      ...options,
    });
    lease.start();
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    first = new TestStore();
    second = new TestStore();
    lost = 0;
  });
  afterEach(() => {
    lease.stop();
    jest.useRealTimers();
  });

  it('is renewed in every store, by a number that rises', async () => {
    create();
    await pass(3 * EVERY_MS);
    expect([first.counts, second.counts]).toEqual([
      [2, 3, 4],
      [2, 3, 4],
    ]);
    expect(lease.renewals).toBe(4);
  });

  it('waits for no store that hangs, and asks none twice at once', async () => {
    create();
    let go: (outcome: 'kept') => void = () => undefined;
    first.answer = () => new Promise((resolve) => (go = resolve));
    await pass(3 * EVERY_MS);
    expect([first.counts, second.counts]).toEqual([[2], [2, 3, 4]]);
    go('kept');
    await pass(EVERY_MS);
    expect(first.counts).toEqual([2, 5]);
  });

  it('is not lost because stores are away', async () => {
    create();
    first.answer = () => Promise.reject(new Error('away'));
    second.answer = () => Promise.reject(new Error('gone'));
    await pass(100 * EVERY_MS);
    expect([lease.isLost, lost]).toEqual([false, 0]);
    expect(first.ends.slice(0, 2)).toEqual(['away', 'away']);
  });

  it('tells once that one store says so, and is renewed no more', async () => {
    create();
    second.answer = () => Promise.resolve('lost');
    await pass(5 * EVERY_MS);
    expect([lease.isLost, lost, first.counts, second.ends]).toEqual([true, 1, [2], []]);
    await lease.renew();
    expect(first.counts).toEqual([2]);
  });

  it('is not renewed while its holder cannot do what it promised', async () => {
    let mayRenew = false;
    create({ mayRenew: () => mayRenew });
    await pass(3 * EVERY_MS);
    expect(first.counts).toEqual([]);
    mayRenew = true;
    await pass(EVERY_MS);
    expect(first.counts).toEqual([2]);
  });

  it('renews again only behind a renewal that is under way', async () => {
    create();
    let go: (outcome: 'kept') => void = () => undefined;
    first.answer = () => new Promise((resolve) => (go = resolve));
    await pass(EVERY_MS);
    const again = lease.renewAnew();
    await pass(1);
    expect(first.counts).toEqual([2]);
    first.answer = () => Promise.resolve('kept');
    go('kept');
    await again;
    expect(first.counts).toEqual([2, 3]);
  });

  it('hears no store after its stop', async () => {
    create();
    let go: (outcome: 'lost') => void = () => undefined;
    first.answer = () => new Promise((resolve) => (go = resolve));
    await pass(EVERY_MS);
    lease.stop();
    go('lost');
    await pass(5 * EVERY_MS);
    expect([lease.isLost, lost, second.counts]).toEqual([false, 0, [2]]);
  });

  describe('with a time of its own', () => {
    const ttlMs = 4 * EVERY_MS;

    it('is lost as soon as it was renewed nowhere for so long, also when nothing is told', async () => {
      create({ ttlMs });
      await pass(2 * EVERY_MS);
      first.answer = () => Promise.reject(new Error('away'));
      second.answer = () => new Promise(() => undefined);
      await pass(ttlMs - 1);
      expect([lease.isLost, lost]).toEqual([false, 0]);
      await pass(1);
      expect([lease.isLost, lost]).toEqual([true, 1]);
    });

    it('counts from the beginning of a renewal: its answer may be late', async () => {
      create({ ttlMs, stores: [first] });
      let go: (outcome: 'kept') => void = () => undefined;
      first.answer = () => new Promise((resolve) => (go = resolve));
      await pass(EVERY_MS);
      await pass(ttlMs - EVERY_MS - 1);
      first.answer = () => Promise.reject(new Error('away'));
      go('kept');
      await pass(EVERY_MS);
      expect(lease.isLost).toBe(false);
      await pass(1);
      expect(lease.isLost).toBe(true);
    });

    it('lives as long as one store renews it', async () => {
      create({ ttlMs });
      first.answer = () => Promise.reject(new Error('away'));
      await pass(50 * EVERY_MS);
      expect([lease.isLost, lost]).toEqual([false, 0]);
    });
  });
});
