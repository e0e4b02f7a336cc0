import { Module } from '@nestjs/common';
import { MachineWatch } from './machine-watch.js';
import { WorkerLease } from './worker-lease.js';
import { WorkerMetricsPublisher } from './worker-metrics.publisher.js';
import { WorkerPulse } from './worker-pulse.js';
import { WorkersModule } from './workers.module.js';

/** The process's own life as a worker. */
@Module({
  imports: [WorkersModule],
  providers: [WorkerLease, WorkerPulse, MachineWatch, WorkerMetricsPublisher],
  exports: [WorkerLease, WorkerPulse, MachineWatch],
})
export class WorkersWorkerModule {}
