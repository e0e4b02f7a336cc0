import { isDatabaseBusy, isDatabaseUnavailable } from './database-errors.js';
import { currentPatience, withRequestPatience } from './database-patience.js';
import { GroupedCall, type Outcome } from './grouped-call.js';

/** A store whose calls end when the test says so. */
class SlowStore {
  readonly groups: (readonly string[])[] = [];
  readonly patience: number[] = [];
  private readonly ends: PromiseWithResolvers<Outcome<string>[]>[] = [];

  readonly call = (items: readonly string[]): Promise<Outcome<string>[]> => {
    this.groups.push(items);
    this.patience.push(currentPatience().remainingMs());
    const end = Promise.withResolvers<Outcome<string>[]>();
    this.ends.push(end);
    return end.promise;
  };

  end(outcomes?: Outcome<string>[]): void {
    const group = this.groups.at(-1) ?? [];
    this.ends.at(-1)?.resolve(outcomes ?? group.map((item) => ({ result: `${item} done` })));
  }

  fail(error: Error): void {
    this.ends.at(-1)?.reject(error);
  }
}

const AWAY = Object.assign(new Error('gone'), { name: 'MongoNetworkError' });
const settled = () => new Promise(setImmediate);

describe('GroupedCall', () => {
  let store: SlowStore;
  let calls: GroupedCall<string, string>;

  afterEach(() => jest.useRealTimers());
  beforeEach(() => {
    store = new SlowStore();
    calls = new GroupedCall(store.call);
  });

  it('asks for one at once, and for those that come meanwhile together', async () => {
    const first = calls.add('a');
    const others = [calls.add('b'), calls.add('c')];
    expect(store.groups).toEqual([['a']]);
    store.end();
    expect(await first).toBe('a done');
    await settled();
    expect(store.groups).toEqual([['a'], ['b', 'c']]);
    store.end();
    expect(await Promise.all(others)).toEqual(['b done', 'c done']);
    const later = calls.add('d');
    store.end();
    expect(await later).toBe('d done');
  });

  it('takes no more at once than a message may have', async () => {
    const all = Array.from({ length: 120 }, (_item, index) => calls.add(String(index)));
    for (let group = 0; group < 4; group += 1) {
      store.end();
      await settled();
    }
    await Promise.all(all);
    expect(store.groups.map(({ length }) => length)).toEqual([1, 50, 50, 19]);
  });

  it('tells each what became of its own', async () => {
    const first = calls.add('a');
    const [good, bad] = [calls.add('b'), calls.add('c')];
    store.fail(AWAY);
    await expect(first).rejects.toBe(AWAY);
    await settled();
    store.end([{ result: 'b' }, { error: new Error('its own') }]);
    expect(await good).toBe('b');
    await expect(bad).rejects.toThrow('its own');
  });

  it('asks for each alone what is refused as a whole, but not of a database that is away', async () => {
    const first = calls.add('a');
    const others = [calls.add('b'), calls.add('c')];
    const outcomes = Promise.allSettled(others);
    store.end();
    await first;
    await settled();
    store.fail(new Error('too large'));
    await settled();
    expect(store.groups).toEqual([['a'], ['b', 'c'], ['b']]);
    store.fail(new Error('too large'));
    await settled();
    store.end();
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { value: 'c done' }]);
    const next = calls.add('d');
    const away = Promise.allSettled([calls.add('e'), calls.add('f')]);
    store.end();
    await next;
    await settled();
    store.fail(AWAY);
    expect(await away).toMatchObject([{ reason: AWAY }, { reason: AWAY }]);
    expect(store.groups.at(-1)).toEqual(['e', 'f']);
  });

  it('gathers for a time where it is to, and no call has begun before what it answers', async () => {
    jest.useFakeTimers({ advanceTimers: false, doNotFake: ['setImmediate'] });
    calls = new GroupedCall(store.call, { gatherMs: 50 });
    const first = calls.add('a');
    await jest.advanceTimersByTimeAsync(49);
    const second = calls.add('b');
    expect(store.groups).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(store.groups).toEqual([['a', 'b']]);
    const third = calls.add('a');
    store.end();
    expect(await Promise.all([first, second])).toEqual(['a done', 'b done']);
    await jest.advanceTimersByTimeAsync(50);
    store.end();
    await third;
    expect(store.groups).toEqual([['a', 'b'], ['a']]);
  });

  it('asks for nobody where all have given up while it gathered', async () => {
    jest.useFakeTimers({ advanceTimers: false, doNotFake: ['setImmediate'] });
    calls = new GroupedCall(store.call, { gatherMs: 50 });
    const late = withRequestPatience(() => calls.add('late'), 20).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(50);
    expect(isDatabaseUnavailable(await late)).toBe(true);
    expect(store.groups).toEqual([]);
    const next = calls.add('next');
    await jest.advanceTimersByTimeAsync(50);
    store.end();
    expect(await next).toBe('next done');
  });

  it('asks for two of one key one after another', async () => {
    calls = new GroupedCall(store.call, { keyOf: (item) => item[0] });
    const all = ['x', 'a1', 'a2', 'b'].map((item) => calls.add(item));
    for (let group = 0; group < 3; group += 1) {
      store.end();
      await settled();
    }
    await Promise.all(all);
    expect(store.groups).toEqual([['x'], ['a1', 'b'], ['a2']]);
  });

  it('waits as long as who asks can, and then asks for it no more', async () => {
    const first = calls.add('a');
    const late = withRequestPatience(() => calls.add('late'), 10);
    expect(isDatabaseUnavailable(await late.catch((error: unknown) => error))).toBe(true);
    const patient = calls.add('b');
    store.end();
    await settled();
    store.end();
    expect(await Promise.all([first, patient])).toEqual(['a done', 'b done']);
    expect(store.groups).toEqual([['a'], ['b']]);
  });

  it('says that the database has too much to do where it answered others meanwhile', async () => {
    const first = calls.add('a');
    const late = withRequestPatience(() => calls.add('late'), 50).catch(
      (thrown: unknown) => thrown,
    );
    const other = calls.add('b');
    store.end();
    await first;
    const error = await late;
    expect([isDatabaseUnavailable(error), isDatabaseBusy(error)]).toEqual([true, true]);
    store.end();
    await other;
  });

  it('calls as patiently as the most patient of those who ask', async () => {
    const ask = (item: string, ms: number) => withRequestPatience(() => calls.add(item), ms);
    const all = [ask('a', 2_000), ask('b', 1_000), ask('c', 3_000)];
    store.end();
    await settled();
    store.end();
    await Promise.all(all);
    expect(store.patience).toEqual([2_000, 3_000]);
  });

  it('counts for the patience of who asks as a call of its own', async () => {
    await withRequestPatience(async () => {
      const first = calls.add('a');
      store.fail(AWAY);
      await expect(first).rejects.toBe(AWAY);
      expect(currentPatience().remainingMs()).toBeLessThan(1_000);
      const second = calls.add('b');
      store.end();
      await second;
      expect(currentPatience().remainingMs()).toBe(1_000);
    }, 1_000);
  });
});
