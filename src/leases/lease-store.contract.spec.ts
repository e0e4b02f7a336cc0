import { randomUUID } from 'node:crypto';
import type { LeaseStore } from './lease-store.js';
import { MemoryLeaseStore } from './memory-lease-store.js';

const TTL_MS = 1_000;

/** What every adapter of `LeaseStore` does. */
export function describeLeaseStore(title: string, store: () => LeaseStore): void {
  describe(`${title} as LeaseStore`, () => {
    let name: string;
    beforeEach(() => {
      name = randomUUID();
    });

    it('knows nothing of a lease that nobody took', async () => {
      expect(await store().find(name)).toBeUndefined();
      expect(await store().renew({ name, holder: 'a', fence: 1 }, 2)).toBe(false);
      await store().release({ name, holder: 'a', fence: 1 }, new Date());
      expect(await store().find(name)).toBeUndefined();
    });

    it('gives a new lease to one of twenty', async () => {
      const fences = await Promise.all(
        Array.from({ length: 20 }, (_item, n) => store().take(name, `h${n}`, TTL_MS, undefined)),
      );
      expect(fences.filter((fence) => fence !== undefined)).toEqual([1]);
      const holder = `h${fences.indexOf(1)}`;
      expect(await store().find(name)).toEqual({
        holder,
        fence: 1,
        renewals: 1,
        ttlMs: TTL_MS,
        notBefore: new Date(0),
      });
    });

    it('gives a lease that ran out to one of twenty, under the next fence', async () => {
      await store().take(name, 'gone', TTL_MS, undefined);
      const seen = await store().find(name);
      const fences = await Promise.all(
        Array.from({ length: 20 }, (_item, n) => store().take(name, `h${n}`, TTL_MS, seen)),
      );
      expect(fences.filter((fence) => fence !== undefined)).toEqual([2]);
    });

    it('gives no lease that was renewed since it was seen', async () => {
      await store().take(name, 'a', TTL_MS, undefined);
      const seen = await store().find(name);
      expect(await store().renew({ name, holder: 'a', fence: 1 }, 2)).toBe(true);
      expect(await store().take(name, 'b', TTL_MS, seen)).toBeUndefined();
      expect((await store().find(name))?.renewals).toBe(2);
    });

    it('renews and releases for the holder of that fence only', async () => {
      await store().take(name, 'a', TTL_MS, undefined);
      await store().take(name, 'b', TTL_MS, await store().find(name));
      expect(await store().renew({ name, holder: 'a', fence: 1 }, 2)).toBe(false);
      expect(await store().renew({ name, holder: 'b', fence: 1 }, 2)).toBe(false);
      await store().release({ name, holder: 'a', fence: 1 }, new Date());
      expect((await store().find(name))?.holder).toBe('b');
      expect(await store().renew({ name, holder: 'b', fence: 2 }, 2)).toBe(true);
    });

    it('keeps the fence when it is given back, for the next one to rise from', async () => {
      await store().take(name, 'a', TTL_MS, undefined);
      const notBefore = new Date(Date.now() + 5_000);
      await store().release({ name, holder: 'a', fence: 1 }, notBefore);
      expect(await store().find(name)).toMatchObject({ holder: null, fence: 1, notBefore });
      expect(await store().renew({ name, holder: 'a', fence: 1 }, 2)).toBe(false);
      expect(await store().take(name, 'b', TTL_MS, await store().find(name))).toBe(2);
    });
  });
}

const memory = new MemoryLeaseStore();
describeLeaseStore('MemoryLeaseStore', () => memory);
