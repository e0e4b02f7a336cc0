import { LeaseList } from './lease-list.js';
import { MemoryPortLeaseStore } from './memory-port-lease-store.fixture.js';
import { portLease } from './port-lease.fixture.js';
import type { PortLeaseFilter } from './port-lease-store.js';

describe('LeaseList', () => {
  it('answers as the store does, with one call for each host', async () => {
    const store = new MemoryPortLeaseStore();
    const owner = (service: string, release: string) => ({ service, release });
    for (const [n, [service, release, state]] of (
      [
        ['a/shop', 'route', 'held'],
        ['a/shop', '3', 'held'],
        ['a/shop', '2', 'releasing'],
        ['a/blog', 'route', 'taking'],
      ] as const
    ).entries()) {
      await store.insert(portLease({ owner: owner(service, release), port: 20_000 + n, state }));
    }
    let calls = 0;
    const ports = {
      list: (filter: PortLeaseFilter = {}) => {
        calls += 1;
        return store.list(filter);
      },
    };
    const [any] = await store.list({});
    const host = any?.host ?? '';
    const list = await LeaseList.ofHosts(ports, [host, host]);
    for (const asked of [
      { host, owner: owner('a/shop', 'route') },
      { host, owner: { service: 'a/shop' } },
      { host: 'another', owner: { service: 'a/shop' } },
      { owner: { service: 'a/shop' }, states: ['releasing'] as const },
      { owner: owner('a/none', '1') },
    ]) {
      expect(await list.list(asked)).toEqual(await store.list(asked));
    }
    expect(calls).toBe(1);
  });
});
