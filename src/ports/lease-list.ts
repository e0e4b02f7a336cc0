import type { PortLease } from './port-lease.js';
import type { PortLeaseFilter } from './port-lease-store.js';
import type { PortLeases } from './port-leases.js';

/** Whether a lease is one of those that are asked for. Pure. */
export function isLeaseOf(lease: PortLease, { host, states, owner }: PortLeaseFilter): boolean {
  if (host !== undefined && lease.host !== host) return false;
  if (states !== undefined && !states.includes(lease.state)) return false;
  if (owner === undefined) return true;
  if (lease.owner?.service !== owner.service) return false;
  if (owner.release !== undefined && lease.owner.release !== owner.release) return false;
  return owner.instance === undefined || lease.owner.instance === owner.instance;
}

type OwnedFilter = PortLeaseFilter & Required<Pick<PortLeaseFilter, 'owner'>>;

/**
 * The leases of hosts as they were at one moment: what is asked of them for hundreds of services
 * costs one call for each host.
 */
export class LeaseList {
  private readonly byService: ReadonlyMap<string | undefined, readonly PortLease[]>;

  private constructor(leases: readonly PortLease[]) {
    this.byService = Map.groupBy(leases, ({ owner }) => owner?.service);
  }

  /** Rejects when the database is away. */
  static async ofHosts(
    ports: Pick<PortLeases, 'list'>,
    hosts: readonly string[],
  ): Promise<LeaseList> {
    const all = await Promise.all([...new Set(hosts)].map((host) => ports.list({ host })));
    return new LeaseList(all.flat());
  }

  /** As `PortLeases.list`. */
  async list(filter: OwnedFilter): Promise<PortLease[]> {
    const own = this.byService.get(filter.owner.service) ?? [];
    return own.filter((lease) => isLeaseOf(lease, filter));
  }
}
