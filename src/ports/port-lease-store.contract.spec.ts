import { MemoryPortLeaseStore } from './memory-port-lease-store.fixture.js';
import { portLease } from './port-lease.fixture.js';
import type { PortLease } from './port-lease.js';
import type { PortLeaseStore } from './port-lease-store.js';

const changed = (lease: PortLease, change: Partial<PortLease>): PortLease => ({
  ...lease,
  token: `${lease.token}+`,
  ...change,
});

/** What every adapter of `PortLeaseStore` does; each test has an empty store. */
export function describePortLeaseStore(title: string, create: () => Promise<PortLeaseStore>): void {
  describe(`${title} as PortLeaseStore`, () => {
    let store: PortLeaseStore;
    beforeEach(async () => {
      store = await create();
    });

    it('keeps a lease as it is', async () => {
      const whole = portLease({
        port: 1024,
        owner: { service: 'shop', release: '7', instance: '2' },
        state: 'releasing',
        reason: 'node (pid 12) listens there',
      });
      const ofNobody = portLease({ port: 1025, owner: null, state: 'in_use' });
      for (const lease of [whole, ofNobody]) {
        expect(await store.insert(lease)).toBe(true);
        expect(await store.find(lease.id)).toEqual(lease);
        expect(await store.findClaim(lease.claim)).toEqual(lease);
      }
      expect(await store.find('other')).toBeUndefined();
      expect(await store.findClaim('other')).toBeUndefined();
    });

    it('gives a port to one of twenty', async () => {
      const all = Array.from({ length: 20 }, (_item, n) =>
        portLease({ owner: { service: `s${n}`, release: '1' } }),
      );
      const done = await Promise.all(all.map((lease) => store.insert(lease)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await store.list({})).toEqual([all[done.indexOf(true)]]);
    });

    it('gives an owner one of twenty ports for one name', async () => {
      const all = Array.from({ length: 20 }, (_item, n) => portLease({ port: 20_000 + n }));
      const done = await Promise.all(all.map((lease) => store.insert(lease)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await store.insert(portLease({ port: 20_100, name: 'admin' }))).toBe(true);
      expect(await store.insert(portLease({ port: 20_000, host: 'there' }))).toBe(true);
    });

    it('changes a lease for one of twenty, as it was seen', async () => {
      const lease = portLease();
      await store.insert(lease);
      const next = Array.from({ length: 20 }, (_item, n) =>
        changed(lease, { token: `t${n}`, state: 'held' }),
      );
      const done = await Promise.all(next.map((each) => store.replace(lease, each)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await store.find(lease.id)).toEqual(next[done.indexOf(true)]);
    });

    it('does not give a claim to two by a change either', async () => {
      const [mine, free] = [portLease(), portLease({ port: 20_001, state: 'in_use', owner: null })];
      await store.insert(mine);
      await store.insert(free);
      expect(await store.replace(free, changed(free, { claim: mine.claim }))).toBe(false);
      expect(await store.find(free.id)).toEqual(free);
    });

    it('removes a lease as it was seen only', async () => {
      const lease = portLease();
      const next = changed(lease, { state: 'held' });
      await store.insert(lease);
      await store.replace(lease, next);
      expect(await store.remove(lease)).toBe(false);
      expect(await store.find(lease.id)).toEqual(next);
      expect(await store.remove(next)).toBe(true);
      expect(await store.remove(next)).toBe(false);
      expect(await store.find(lease.id)).toBeUndefined();
    });

    it('lists by host, state and owner, in order of hosts and ports', async () => {
      const owner = { service: 'shop', release: '7' };
      const leases = [
        portLease({ port: 1024, owner }),
        portLease({ port: 9999, owner: { ...owner, instance: '1' } }),
        portLease({ port: 10_000, owner: { ...owner, release: '8' }, state: 'held' }),
        portLease({ port: 10_001, owner: { ...owner, service: 'blog' } }),
        portLease({ port: 10_002, owner: null, state: 'in_use' }),
        portLease({ port: 1024, host: 'there', owner }),
      ];
      for (const lease of [...leases].reverse()) await store.insert(lease);
      expect(await store.list({})).toEqual(leases);
      expect(await store.list({}, 2)).toEqual(leases.slice(0, 2));
      expect(await store.list({ host: 'there' })).toEqual([leases[5]]);
      expect(await store.list({ states: ['held', 'in_use'] })).toEqual([leases[2], leases[4]]);
      expect(await store.list({ owner: { service: 'shop' }, host: 'here' })).toEqual(
        leases.slice(0, 3),
      );
      expect(await store.list({ owner, host: 'here' })).toEqual(leases.slice(0, 2));
      expect(await store.list({ owner: { ...owner, instance: '1' } })).toEqual([leases[1]]);
    });

    it('shows leases that have an owner in pages', async () => {
      const leases = [1, 2, 3].map((n) =>
        portLease({ port: 20_000 + n, owner: { service: 'shop', release: String(n) } }),
      );
      for (const lease of leases) await store.insert(lease);
      await store.insert(portLease({ owner: null, state: 'in_use' }));
      const first = await store.page({ limit: 2 });
      expect(first).toEqual({ items: leases.slice(0, 2), next: leases[1]?.id });
      const after = first.next ?? '';
      expect(await store.page({ limit: 2, after })).toEqual({ items: leases.slice(2) });
    });
  });
}

describePortLeaseStore('MemoryPortLeaseStore', () => Promise.resolve(new MemoryPortLeaseStore()));
