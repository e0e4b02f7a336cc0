import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { LeasesModule } from '../leases/leases.module.js';
import { HostPorts } from './host/host-ports.js';
import { LinuxHostPorts } from './host/linux-host-ports.js';
import { PORT_LEASE_MODEL, portLeaseSchema } from './port-lease.schema.js';
import { PortLeaseRepository } from './port-lease.repository.js';
import { PortLeaseStore } from './port-lease-store.js';
import { PortLeases } from './port-leases.js';
import { PortOwners } from './port-owners.js';
import { PortRange } from './port-range.js';
import { PortReconciler } from './port-reconciler.js';
import { PortReturns } from './port-returns.js';

/** Ports of hosts for what is deployed: in every role, since each host looks after its own. */
@Module({
  imports: [
    LeasesModule,
    MongooseModule.forFeature([{ name: PORT_LEASE_MODEL, schema: portLeaseSchema }]),
  ],
  providers: [
    { provide: HostPorts, useClass: LinuxHostPorts },
    { provide: PortLeaseStore, useClass: PortLeaseRepository },
    PortLeases,
    PortOwners,
    PortRange,
    PortReconciler,
    PortReturns,
  ],
  exports: [HostPorts, PortLeases, PortLeaseStore, PortOwners, PortRange],
})
export class PortsModule {}
