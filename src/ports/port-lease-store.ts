import type { Page, PageRequest } from '../common/http/paging.js';
import type { PortLease, PortOwnerMatch, PortState } from './port-lease.js';

/** Which leases; what is not named does not matter. */
export interface PortLeaseFilter {
  readonly host?: string;
  readonly states?: readonly PortState[];
  readonly owner?: PortOwnerMatch;
}

/**
 * Port: where leases of ports are kept. Every write is one step that happens whole or not at all,
 * for all processes. All methods reject when the store is away; a write that is known to have
 * happened counts as such also when its first answer was lost. Two adapters: the database, and a
 * fake.
 */
export abstract class PortLeaseStore {
  /** False: the port has a lease, or the claim does. */
  abstract insert(lease: PortLease): Promise<boolean>;

  abstract find(id: string): Promise<PortLease | undefined>;

  abstract findClaim(claim: string): Promise<PortLease | undefined>;

  /**
   * Puts another lease of this port in the place of one that is exactly as it was seen.
   * @returns false: it is not as it was seen any more, or another lease has the claim of the new
   *   one
   */
  abstract replace(seen: PortLease, next: PortLease): Promise<boolean>;

  /** False: it is not as it was seen any more. */
  abstract remove(seen: PortLease): Promise<boolean>;

  /** In order of hosts and ports. @param limit so many of them; default: all */
  abstract list(filter: PortLeaseFilter, limit?: number): Promise<PortLease[]>;

  /** Those with an owner, in order of hosts and ports; the sort key is the id. */
  abstract page(page: PageRequest): Promise<Page<PortLease>>;
}
