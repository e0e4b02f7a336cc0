import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { WorkerBeats } from './worker-beats.js';
import { WorkerMetricsStore } from './worker-metrics.store.js';
import { WorkerObserver } from './worker-observer.js';
import { WorkerRecord, WorkerSchema } from './worker.schema.js';
import { WorkersRepository } from './workers.repository.js';

/** Which workers there are and which of them are lost: what every role needs. */
@Module({
  imports: [MongooseModule.forFeature([{ name: WorkerRecord.name, schema: WorkerSchema }])],
  providers: [WorkersRepository, WorkerObserver, WorkerBeats, WorkerMetricsStore],
  exports: [WorkersRepository, WorkerBeats, WorkerObserver, WorkerMetricsStore],
})
export class WorkersModule {}
