import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { JobQueueModule } from '../integrations/job-queue/job-queue.module.js';
import { LogsModule } from '../logs/logs.module.js';
import { PipelinesModule } from '../pipelines/pipelines.module.js';
import { WorkersModule } from '../workers/workers.module.js';
import { ExecutionPlacer } from './execution-placer.js';
import { ExecutionTakeover } from './execution-takeover.js';
import { ExecutionTraceRecord, ExecutionTraceSchema } from './execution-trace.schema.js';
import { ExecutionTracesRepository } from './execution-traces.repository.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';
import { ExecutionsReconciler } from './executions.reconciler.js';
import { ExecutionsRepository } from './executions.repository.js';
import { ExecutionListsRepository } from './execution-lists.repository.js';
import { LiveCountsRepository } from './live-counts.repository.js';
import { LiveExecutions } from './live-executions.js';
import { ExecutionRetention } from './execution-retention.js';
import { RetentionRepository } from './retention.repository.js';
import { RetentionSweeper } from './retention.sweeper.js';
import { SweepRecord, SweepSchema } from './sweep.schema.js';
import { SweepsRepository } from './sweeps.repository.js';
import { QueueRecord, QueueSchema } from './queue.schema.js';
import { QueuesRepository } from './queues.repository.js';

/** What every role has of executions: their store, their way to workers, the reconciler, and retention. */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: ExecutionRecord.name, schema: ExecutionSchema },
      { name: ExecutionTraceRecord.name, schema: ExecutionTraceSchema },
      { name: QueueRecord.name, schema: QueueSchema },
      { name: SweepRecord.name, schema: SweepSchema },
    ]),
    EventBusModule,
    JobQueueModule,
    LogsModule,
    PipelinesModule,
    WorkersModule,
  ],
  providers: [
    ExecutionsRepository,
    ExecutionListsRepository,
    ExecutionTracesRepository,
    QueuesRepository,
    ExecutionPlacer,
    ExecutionTakeover,
    ExecutionsReconciler,
    LiveCountsRepository,
    RetentionRepository,
    SweepsRepository,
    ExecutionRetention,
    RetentionSweeper,
    LiveExecutions,
  ],
  exports: [
    ExecutionsRepository,
    ExecutionListsRepository,
    ExecutionTracesRepository,
    QueuesRepository,
    ExecutionPlacer,
    ExecutionTakeover,
    LiveCountsRepository,
    LiveExecutions,
    EventBusModule,
    JobQueueModule,
    LogsModule,
    PipelinesModule,
    WorkersModule,
  ],
})
export class ExecutionsModule {}
