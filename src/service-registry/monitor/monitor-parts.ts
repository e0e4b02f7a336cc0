import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import { Leases } from '../../leases/leases.js';
import { DeployedServices } from '../deployed-services.js';
import { ProbeRows } from '../history/probe-rows.js';
import { HostProber } from '../probing/host-prober.js';
import { InstanceProber, Prober } from '../probing/prober.js';
import { ServiceStore } from '../record/service-store.js';
import { ShardMonitor, type ShardParts } from './shard-monitor.js';

/** What monitors stand on. */
@Injectable()
export class MonitorParts implements ShardParts {
  constructor(
    readonly store: ServiceStore,
    readonly deployed: DeployedServices,
    readonly leases: Leases,
    readonly prober: Prober,
    readonly rows: ProbeRows,
  ) {}
}

/** Watches what was registered by hand. */
@Injectable()
export class RegisteredMonitor extends ShardMonitor {
  constructor(parts: MonitorParts) {
    super({ ...parts, prober: new HostProber(parts.prober) }, undefined);
  }
}

/** Watches what was deployed on this host, which answers here only. */
@Injectable()
export class HostMonitor extends ShardMonitor {
  constructor(parts: MonitorParts, instances: InstanceProber) {
    super({ ...parts, prober: new HostProber(parts.prober, instances) }, hostname());
  }
}
