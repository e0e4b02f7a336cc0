import { MemoryServiceStore } from '../record/memory-service-store.fixture.js';
import { changeId, type ServiceChange, type ServiceHealth } from '../record/watched-service.js';
import { newService } from '../record/watched-service.fixture.js';
import { HealthWriter, MOST_PENDING } from './health-writer.js';
import type { WatchNews } from './service-watch.js';

const ID = 'default/shop';

describe('HealthWriter', () => {
  let store: MemoryServiceStore;
  let writer: HealthWriter;
  const away = (method: 'writeHealth' | 'insertChanges'): jest.SpyInstance =>
    jest.spyOn(store, method).mockRejectedValue(new Error('away'));
  const news = (seq: number): WatchNews => {
    const reason = { code: 'checks_pass', message: 'm' };
    const health: ServiceHealth = {
      ...{ status: 'running', since: new Date(seq), reason, endpoints: [], seq, fence: 2 },
    };
    const change: ServiceChange = {
      ...{ _id: changeId(ID, seq), service: ID, seq, from: null, to: 'running' },
      ...{ at: new Date(seq), reason },
    };
    return { health, change };
  };
  const stored = async (): Promise<number[]> =>
    (await store.changes(ID, { limit: 500 })).items.map(({ seq }) => seq);

  beforeEach(async () => {
    store = new MemoryServiceStore();
    writer = new HealthWriter(store, 2);
    await store.insert(newService());
  });
  afterEach(() => jest.restoreAllMocks());

  it('stores the state, then its changes by themselves', async () => {
    writer.add(ID, news(1));
    writer.add(ID, news(2));
    await writer.flush();
    expect(await store.find(ID)).toMatchObject({ health: { seq: 2 }, outbox: [] });
    expect(await stored()).toEqual([2, 1]);
    expect(writer.isEmpty).toBe(true);
  });

  it.each(['writeHealth', 'insertChanges'] as const)(
    'stores later, in order, what it could not store (%s)',
    async (method) => {
      const spy = away(method);
      writer.add(ID, news(1));
      await expect(writer.flush()).rejects.toThrow('away');
      writer.add(ID, news(2));
      spy.mockRestore();
      await writer.flush();
      expect(await stored()).toEqual([2, 1]);
      expect(await store.find(ID)).toMatchObject({ health: { seq: 2 }, outbox: [] });
    },
  );

  it('leaves in the record what was not stored by itself, for the next monitor', async () => {
    away('insertChanges');
    writer.add(ID, news(1));
    await expect(writer.flush()).rejects.toThrow('away');
    jest.restoreAllMocks();
    const left = await store.find(ID);
    expect(left?.outbox.map(({ seq }) => seq)).toEqual([1]);
    const next = new HealthWriter(store, 3);
    if (left?.health) next.takeOver(ID, left.health, left.outbox);
    await next.flush();
    expect(await stored()).toEqual([1]);
    expect(await store.find(ID)).toMatchObject({ health: { fence: 3 }, outbox: [] });
  });

  it('writes nothing in the place of a later monitor', async () => {
    await store.writeHealth(ID, { health: { ...news(9).health, fence: 3 }, outbox: [] });
    writer.add(ID, news(1));
    await writer.flush();
    expect(await stored()).toEqual([]);
    expect((await store.find(ID))?.health?.seq).toBe(9);
    expect(writer.isEmpty).toBe(true);
  });

  it('writes one state after another, also where several ask for it at once', async () => {
    const seqs: number[] = [];
    const write = store.writeHealth.bind(store);
    jest.spyOn(store, 'writeHealth').mockImplementation(async (id, what) => {
      await new Promise((resolve) => setImmediate(resolve));
      seqs.push(what.health.seq);
      return write(id, what);
    });
    writer.add(ID, news(1));
    const first = writer.flush();
    await Promise.resolve();
    writer.add(ID, news(2));
    await Promise.all([first, writer.flush(), writer.flush()]);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(await stored()).toEqual([2, 1]);
  });

  it('loses the oldest changes when the store is away for too long, and counts them', async () => {
    for (let seq = 1; seq <= MOST_PENDING + 3; seq += 1) writer.add(ID, news(seq));
    expect(writer.lost).toBe(3);
    await writer.flush();
    expect(await stored()).toHaveLength(MOST_PENDING);
  });
});
