import type { MillraceConfig } from '../config/millrace-config.js';
import { MemoryHostPorts } from './host/memory-host-ports.fixture.js';
import { MemoryPortLeaseStore } from './memory-port-lease-store.fixture.js';
import type { PortLeaseStore } from './port-lease-store.js';
import { PortLeases } from './port-leases.js';
import { PortRange } from './port-range.js';
import { PortReturns } from './port-returns.js';

/** The ports of one host as a process of it has them. */
export class PortsOfHost {
  readonly range: PortRange;
  readonly returns: PortReturns;
  readonly leases: PortLeases;

  constructor(
    from: number,
    to: number,
    readonly store: PortLeaseStore = new MemoryPortLeaseStore(),
    readonly host = new MemoryHostPorts(),
  ) {
    this.range = new PortRange({ portRange: { from, to } } as MillraceConfig, host);
    this.returns = new PortReturns(store, host);
    this.leases = new PortLeases(store, host, this.range, this.returns);
  }
}
