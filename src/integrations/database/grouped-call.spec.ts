import { isDatabaseUnavailable } from './database-errors.js';
import { currentPatience, REQUEST_MS, withRequestPatience } from './database-patience.js';
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

const settled = () => new Promise(setImmediate);

describe('GroupedCall', () => {
  let store: SlowStore;
  let calls: GroupedCall<string, string>;

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
    store.fail(new Error('the whole'));
    await expect(first).rejects.toThrow('the whole');
    await settled();
    store.end([{ result: 'b' }, { error: new Error('its own') }]);
    expect(await good).toBe('b');
    await expect(bad).rejects.toThrow('its own');
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

  it('calls with the patience of no one request', async () => {
    void withRequestPatience(() => calls.add('a'), 10).catch(() => undefined);
    expect(store.patience).toEqual([REQUEST_MS]);
  });
});
