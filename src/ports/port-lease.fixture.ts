import { uuidV7 } from '../common/ids/uuid.js';
import { portClaim, portId, type PortLease } from './port-lease.js';

/** A lease of a spec. */
export function portLease(change: Partial<PortLease> = {}): PortLease {
  const { host = 'here', port = 20_000, name = 'default' } = change;
  const owner = change.owner === undefined ? { service: 'shop', release: '7' } : change.owner;
  const id = portId(host, port);
  const now = new Date('2026-01-31T12:00:00.000Z');
  return {
    id,
    host,
    port,
    owner,
    name,
    claim: owner === null ? id : portClaim(host, owner, name),
    state: 'taking',
    token: uuidV7(),
    since: now,
    reason: null,
    checkedAt: now,
    ...change,
  };
}
