import { isDatabaseUnavailable } from './database-errors.js';
import { currentPatience, withRequestPatience } from './database-patience.js';
import { GroupedWrite, type Written } from './grouped-write.js';

/** A store whose writes end when the test says so. */
class SlowStore {
  readonly groups: (readonly string[])[] = [];
  readonly patience: number[] = [];
  private readonly ends: PromiseWithResolvers<Written<string>[]>[] = [];

  readonly write = (items: readonly string[]): Promise<Written<string>[]> => {
    this.groups.push(items);
    this.patience.push(currentPatience().remainingMs());
    const end = Promise.withResolvers<Written<string>[]>();
    this.ends.push(end);
    return end.promise;
  };

  end(written?: Written<string>[]): void {
    const group = this.groups.at(-1) ?? [];
    this.ends.at(-1)?.resolve(written ?? group.map((item) => ({ result: `${item} written` })));
  }

  fail(error: Error): void {
    this.ends.at(-1)?.reject(error);
  }
}

const settled = () => new Promise(setImmediate);

describe('GroupedWrite', () => {
  let store: SlowStore;
  let writes: GroupedWrite<string, string>;

  beforeEach(() => {
    store = new SlowStore();
    writes = new GroupedWrite(store.write);
  });

  it('writes one at once, and those that come meanwhile together', async () => {
    const first = writes.add('a');
    const others = [writes.add('b'), writes.add('c')];
    expect(store.groups).toEqual([['a']]);
    store.end();
    expect(await first).toBe('a written');
    await settled();
    expect(store.groups).toEqual([['a'], ['b', 'c']]);
    store.end();
    expect(await Promise.all(others)).toEqual(['b written', 'c written']);
    const later = writes.add('d');
    store.end();
    expect(await later).toBe('d written');
  });

  it('takes no more at once than a message may have', async () => {
    const all = Array.from({ length: 120 }, (_item, index) => writes.add(String(index)));
    for (let group = 0; group < 4; group += 1) {
      store.end();
      await settled();
    }
    await Promise.all(all);
    expect(store.groups.map(({ length }) => length)).toEqual([1, 50, 50, 19]);
  });

  it('tells each what became of its own', async () => {
    const first = writes.add('a');
    const [good, bad] = [writes.add('b'), writes.add('c')];
    store.fail(new Error('the whole'));
    await expect(first).rejects.toThrow('the whole');
    await settled();
    store.end([{ result: 'b' }, { error: new Error('its own') }]);
    expect(await good).toBe('b');
    await expect(bad).rejects.toThrow('its own');
  });

  it('waits as long as who calls can, and writes for all as background work', async () => {
    const hurried = withRequestPatience(() => writes.add('a'), 10);
    expect(isDatabaseUnavailable(await hurried.catch((error: unknown) => error))).toBe(true);
    const patient = writes.add('b');
    store.end();
    await settled();
    store.end();
    expect(await patient).toBe('b written');
    expect(Math.min(...store.patience)).toBeGreaterThan(10);
  });
});
