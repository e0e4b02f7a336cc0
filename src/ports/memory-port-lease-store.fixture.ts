import { pageOf, type Page, type PageRequest } from '../common/http/paging.js';
import { isLeaseOf } from './lease-list.js';
import type { PortLease } from './port-lease.js';
import { PortLeaseStore, type PortLeaseFilter } from './port-lease-store.js';

/** Leases of specs. */
export class MemoryPortLeaseStore extends PortLeaseStore {
  private readonly leases = new Map<string, PortLease>();

  async insert(lease: PortLease): Promise<boolean> {
    if (this.leases.has(lease.id) || this.hasClaim(lease)) return false;
    this.leases.set(lease.id, lease);
    return true;
  }

  async find(id: string): Promise<PortLease | undefined> {
    return this.leases.get(id);
  }

  async findClaim(claim: string): Promise<PortLease | undefined> {
    return [...this.leases.values()].find((lease) => lease.claim === claim);
  }

  async replace(seen: PortLease, next: PortLease): Promise<boolean> {
    if (this.leases.get(seen.id)?.token !== seen.token || this.hasClaim(next)) return false;
    this.leases.set(next.id, next);
    return true;
  }

  async remove({ id, token }: PortLease): Promise<boolean> {
    return this.leases.get(id)?.token === token && this.leases.delete(id);
  }

  async list(filter: PortLeaseFilter, limit = Infinity): Promise<PortLease[]> {
    return this.sorted()
      .filter((lease) => isLeaseOf(lease, filter))
      .slice(0, limit);
  }

  async page({ limit, after = '' }: PageRequest): Promise<Page<PortLease>> {
    const rows = this.sorted().filter(({ id, state }) => state !== 'in_use' && id > after);
    return pageOf(rows.slice(0, limit + 1), limit, ({ id }) => id);
  }

  private sorted(): PortLease[] {
    return [...this.leases.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private hasClaim({ id, claim }: PortLease): boolean {
    return [...this.leases.values()].some((lease) => lease.claim === claim && lease.id !== id);
  }
}
