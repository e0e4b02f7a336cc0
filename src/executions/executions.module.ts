import { Module, type OnModuleInit } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AccountsModule } from '../auth/accounts/accounts.module.js';
import { ExecutionParts } from '../common/retention/execution-parts.js';
import { CountersModule } from '../integrations/counters/counters.module.js';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { JobQueueModule } from '../integrations/job-queue/job-queue.module.js';
import { LeasesModule } from '../leases/leases.module.js';
import { LogsModule } from '../logs/logs.module.js';
import { PipelinesModule } from '../pipelines/pipelines.module.js';
import { WorkersModule } from '../workers/workers.module.js';
import { ObjectStore } from '../integrations/object-store/object-store.js';
import { ARTIFACT_MODEL, artifactSchema } from './artifacts/artifact.schema.js';
import { TEST_REPORT_MODEL, testReportSchema } from './reports/test-report.schema.js';
import { TestReportsPart } from './reports/test-reports-part.js';
import { CACHE_MODEL, cacheSchema } from './caches/cache.schema.js';
import { CachesRepository } from './caches/caches.repository.js';
import { TestReportsRepository } from './reports/test-reports.repository.js';
import { ArtifactsPart } from './artifacts/artifacts-part.js';
import { ArtifactsRepository } from './artifacts/artifacts.repository.js';
import { ContinueExecution } from './approvals/continue-execution.js';
import { OutsideWaits } from './approvals/outside-waits.js';
import { KeptWorkspaces } from './suspension/kept-workspaces.js';
import { CancelExecution } from './ending/cancel-execution.js';
import { EndExecution } from './ending/end-execution.js';
import { AcceptExecution } from './acceptance/accept-execution.js';
import { ExecutionNumbers } from './acceptance/execution-numbers.js';
import { DirectHandover } from './outbox/direct-handover.js';
import { LiveFeedConsumer } from './outbox/live-feed.consumer.js';
import { OutboxConsumers } from './outbox/outbox-consumers.js';
import { OutboxRelay } from './outbox/outbox-relay.js';
import { OutboxStore } from './outbox/outbox-store.js';
import { OutboxRepository } from './outbox/outbox.repository.js';
import { ExecutionPlacer } from './placement/execution-placer.js';
import { QueueRecord, QueueSchema } from './placement/queue.schema.js';
import { QueuesRepository } from './placement/queues.repository.js';
import { ExecutionListsRepository } from './record/execution-lists.repository.js';
import { ExecutionTraceRecord, ExecutionTraceSchema } from './record/execution-trace.schema.js';
import { ExecutionTracesRepository } from './record/execution-traces.repository.js';
import { ExecutionRecord, ExecutionSchema } from './record/execution.schema.js';
import { ExecutionSealing } from './record/execution-sealing.js';
import { ExecutionsRepository } from './record/executions.repository.js';
import { LiveCountsRepository } from './record/live-counts.repository.js';
import { JustAccepted } from './record/just-accepted.js';
import { LiveExecutions } from './record/live-executions.js';
import { TracesPart } from './record/traces-part.js';
import { ExecutionRecovery } from './recovery/execution-recovery.js';
import { ExecutionsReconciler } from './recovery/executions.reconciler.js';
import { RequeueExecution } from './recovery/requeue-execution.js';
import { ExecutionRetention } from './retention/execution-retention.js';
import { RetentionRepository } from './retention/retention.repository.js';
import { RetentionSweeper } from './retention/retention.sweeper.js';

/**
 * What every role has of executions: their store, their way to workers, the reconciler, and
 * retention.
 */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: ExecutionRecord.name, schema: ExecutionSchema },
      { name: ExecutionTraceRecord.name, schema: ExecutionTraceSchema },
      { name: QueueRecord.name, schema: QueueSchema },
      { name: ARTIFACT_MODEL, schema: artifactSchema },
      { name: TEST_REPORT_MODEL, schema: testReportSchema },
      { name: CACHE_MODEL, schema: cacheSchema },
    ]),
    AccountsModule,
    CountersModule,
    EventBusModule,
    JobQueueModule,
    LeasesModule,
    LogsModule,
    PipelinesModule,
    WorkersModule,
  ],
  providers: [
    ExecutionSealing,
    ExecutionsRepository,
    ExecutionListsRepository,
    ExecutionTracesRepository,
    QueuesRepository,
    ArtifactsRepository,
    TestReportsRepository,
    CachesRepository,
    ExecutionPlacer,
    ExecutionNumbers,
    AcceptExecution,
    { provide: OutboxStore, useClass: OutboxRepository },
    OutboxConsumers,
    OutboxRelay,
    DirectHandover,
    LiveFeedConsumer,
    EndExecution,
    CancelExecution,
    RequeueExecution,
    ExecutionRecovery,
    ContinueExecution,
    OutsideWaits,
    {
      provide: KeptWorkspaces,
      inject: [ObjectStore],
      useFactory: (objects: ObjectStore) => new KeptWorkspaces(objects),
    },
    ExecutionsReconciler,
    LiveCountsRepository,
    RetentionRepository,
    ExecutionRetention,
    RetentionSweeper,
    LiveExecutions,
    JustAccepted,
  ],
  exports: [
    CachesRepository,
    ArtifactsRepository,
    TestReportsRepository,
    ExecutionsRepository,
    ExecutionListsRepository,
    ExecutionTracesRepository,
    QueuesRepository,
    ExecutionPlacer,
    AcceptExecution,
    OutboxConsumers,
    EndExecution,
    CancelExecution,
    RequeueExecution,
    ExecutionRecovery,
    ContinueExecution,
    OutsideWaits,
    KeptWorkspaces,
    LiveCountsRepository,
    LiveExecutions,
    JustAccepted,
    CountersModule,
    EventBusModule,
    JobQueueModule,
    LeasesModule,
    LogsModule,
    PipelinesModule,
    WorkersModule,
  ],
})
export class ExecutionsModule implements OnModuleInit {
  constructor(
    private readonly parts: ExecutionParts,
    private readonly traces: ExecutionTracesRepository,
    private readonly artifacts: ArtifactsRepository,
    private readonly objects: ObjectStore,
    private readonly reports: TestReportsRepository,
    private readonly kept: KeptWorkspaces,
  ) {}

  onModuleInit(): void {
    this.parts.register(new TracesPart(this.traces));
    this.parts.register(new ArtifactsPart(this.objects, this.artifacts));
    this.parts.register(new TestReportsPart(this.reports));
    this.parts.register(this.kept);
  }
}
