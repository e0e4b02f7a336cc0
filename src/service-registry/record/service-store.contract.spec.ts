import { uuidV7 } from '../../common/ids/uuid.js';
import { MemoryServiceStore } from './memory-service-store.fixture.js';
import type { ServiceStore } from './service-store.js';
import { newService } from './watched-service.fixture.js';
import {
  changeId,
  type NewWatchedService,
  type ServiceChange,
  type ServiceHealth,
} from './watched-service.js';

/** What every adapter of `ServiceStore` does. */
export function describeServiceStore(title: string, store: () => ServiceStore): void {
  describe(`${title} as ServiceStore`, () => {
    let name: string;
    let id: string;
    beforeEach(() => {
      name = `s-${uuidV7()}`;
      id = `default/${name}`;
    });

    const service = (more: Partial<NewWatchedService> = {}): NewWatchedService =>
      newService({ name, shard: name, ...more });
    const health = (more: Partial<ServiceHealth> = {}): ServiceHealth => ({
      ...{ status: 'running', since: new Date(1), reason: { code: 'checks_pass', message: 'm' } },
      ...{ endpoints: [], seq: 1, fence: 2, ...more },
    });
    const change = (seq: number, more: Partial<ServiceChange> = {}): ServiceChange => ({
      ...{ _id: changeId(id, seq), service: id, seq, from: null, to: 'running' },
      ...{ at: new Date(seq), reason: { code: 'checks_pass', message: 'm' }, ...more },
    });

    it('holds one service of an environment and name', async () => {
      const one = service({ metadata: [{ name: '__proto__', value: '$x.y' }] });
      const all = await Promise.all([
        store().insert(one),
        ...Array.from({ length: 4 }, () => store().insert(service())),
      ]);
      expect(all.filter(Boolean)).toHaveLength(1);
      const found = await store().find(id);
      expect(found).toMatchObject({ _id: id, health: null, outbox: [], beat: null });
      expect(await store().findByUuid(found?.id ?? '')).toEqual(found);
      expect(await store().findByUuid(uuidV7())).toBeUndefined();
      expect([...(await store().among([id, 'default/none'])).keys()]).toEqual([id]);
    });

    it('takes an insert whose answer was lost for done', async () => {
      const one = service({ metadata: [{ name: '__proto__', value: '$x.y' }] });
      expect(await store().insert(one)).toBe(true);
      expect(await store().insert(one)).toBe(true);
      expect((await store().find(id))?.metadata).toEqual(one.metadata);
    });

    it('gives pages in the order of ids', async () => {
      for (const end of ['c', 'a', 'b']) await store().insert(service({ name: `${name}-${end}` }));
      const first = await store().page({ limit: 2, after: id });
      expect(first.items.map((one) => one.name)).toEqual([`${name}-a`, `${name}-b`]);
      const next = await store().page({ limit: 1, after: first.next });
      expect(next.items.map((one) => one.name)).toEqual([`${name}-c`]);
    });

    it('changes what is named, and says where there is nothing', async () => {
      await store().insert(service({ tags: ['a'] }));
      expect(await store().change(id, { dependencies: ['default/db'] }, new Date(9), 'r2')).toBe(
        true,
      );
      expect(await store().find(id)).toMatchObject({
        ...{ tags: ['a'], dependencies: ['default/db'], updated_at: new Date(9), revision: 'r2' },
      });
      expect(await store().change('default/none', { tags: [] }, new Date(9), 'r3')).toBe(false);
    });

    it('notes heartbeats, and tells a monitor of each', async () => {
      await store().insert(service());
      expect(await store().revisions(name)).toEqual([{ _id: id, revision: '1', beat: null }]);
      expect(await store().beat(id, 'b1', new Date(5), 30)).toBe(true);
      expect(await store().beat(id, 'b2', new Date(6))).toBe(true);
      expect(await store().find(id)).toMatchObject({
        ...{ ttl_seconds: 30, last_heartbeat: new Date(6), revision: '1' },
      });
      expect(await store().revisions(name)).toEqual([{ _id: id, revision: '1', beat: 'b2' }]);
      expect(await store().beat('default/none', 'b', new Date(5))).toBe(false);
      await store().assign(id, `${name}-other`);
      expect(await store().revisions(name)).toEqual([]);
    });

    it('keeps health of the latest fence', async () => {
      await store().insert(service());
      const outbox = [change(1)];
      expect(await store().writeHealth(id, { health: health(), outbox })).toBe(true);
      expect(await store().writeHealth(id, { health: health(), outbox })).toBe(true);
      expect(await store().writeHealth(id, { health: health({ fence: 1 }), outbox: [] })).toBe(
        false,
      );
      const found = await store().find(id);
      expect(found?.health).toEqual(health());
      expect(found?.outbox).toEqual(outbox);
      expect(await store().writeHealth('default/none', { health: health(), outbox })).toBe(false);
    });

    it('keeps changes once, the newest first', async () => {
      await store().insertChanges([change(1), change(2)]);
      await store().insertChanges([change(2, { to: 'failed' }), change(10)]);
      const { items, next } = await store().changes(id, { limit: 2 });
      expect(items.map(({ seq }) => seq)).toEqual([10, 2]);
      expect(items[1]).toEqual(change(2));
      const rest = await store().changes(id, { limit: 2, after: next });
      expect(rest.items.map(({ seq }) => seq)).toEqual([1]);
      await store().removeChangesBefore(new Date(2));
      expect((await store().changes(id, { limit: 5 })).items.map(({ seq }) => seq)).toEqual([
        10, 2,
      ]);
    });

    it('keeps maintenance for one who saw it as it was', async () => {
      await store().insert(service());
      expect((await store().find(id))?.maintenance).toEqual({ version: 0, windows: [] });
      const window = {
        ...{ from: new Date(1), until: new Date(9), ended_at: null, reason: 'disk', by: 'ada' },
      };
      const next = { version: 1, windows: [window] };
      const both = await Promise.all([1, 2].map(() => store().maintain(id, next)));
      expect(both.filter(Boolean)).toHaveLength(1);
      expect((await store().find(id))?.maintenance).toEqual(next);
      const ended = { version: 2, windows: [{ ...window, ended_at: new Date(5) }] };
      expect(await store().maintain(id, ended)).toBe(true);
      expect((await store().find(id))?.maintenance).toEqual(ended);
      expect(await store().maintain('default/none', next)).toBe(false);
    });

    it('removes a service with its changes', async () => {
      await store().insert(service());
      await store().insertChanges([change(1)]);
      await store().remove(id);
      await store().remove(id);
      expect(await store().find(id)).toBeUndefined();
      expect((await store().changes(id, { limit: 5 })).items).toEqual([]);
    });

    it('hears the latest monitor of a shard only', async () => {
      const gap = { from: new Date(0), until: new Date(1) };
      const first = { _id: name, fence: 2, began_at: new Date(0), observed_at: new Date(1), gap };
      expect(await store().observed(first)).toBe(true);
      const watch = { ...first, began_at: new Date(1) };
      expect(await store().observed({ ...watch, observed_at: new Date(2) })).toBe(true);
      expect(await store().observed({ ...watch, fence: 1 })).toBe(false);
      expect(await store().shard(name)).toEqual({ ...watch, observed_at: new Date(2) });
      expect((await store().shards()).get(name)?.fence).toBe(2);
      expect(await store().shard(`${name}-other`)).toBeUndefined();
    });
  });
}

const memory = new MemoryServiceStore();
describeServiceStore('MemoryServiceStore', () => memory);
