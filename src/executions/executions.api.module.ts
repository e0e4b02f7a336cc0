import { Module, type OnModuleInit } from '@nestjs/common';
import { AccountsModule } from '../auth/accounts/accounts.module.js';
import { HealthRegistry } from '../common/health/health-registry.js';
import { JobQueue } from '../integrations/job-queue/job-queue.js';
import { RepositoriesModule } from '../repositories/repositories.module.js';
import { StepApprovals } from './approvals/step-approvals.js';
import { ExecutionsController } from './acceptance/executions.controller.js';
import { ExecutionsService } from './acceptance/executions.service.js';
import { ExecutionsModule } from './executions.module.js';
import { ArtifactReader } from './artifacts/artifact-reader.js';
import { ArtifactsController } from './artifacts/artifacts.controller.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { ObjectStore } from '../integrations/object-store/object-store.js';
import { CacheStore } from './caches/cache-store.js';
import { CachesController } from './caches/caches.controller.js';
import { CachesRepository } from './caches/caches.repository.js';
import { UnusedCaches } from './caches/unused-caches.js';
import { PipelineTestsService } from './reports/pipeline-tests.js';
import { TestReportsController } from './reports/test-reports.controller.js';
import { ExpiredArtifacts } from './artifacts/expired-artifacts.js';
import { ExecutionExplainer } from './explanation/execution-explainer.js';
import { ExecutionWaits } from './explanation/execution-waits.js';
import { RecentlyFinished } from './explanation/finished-lately.js';
import { ExecutionLogs } from './output/execution-logs.js';
import { ExecutionViews } from './output/execution-views.js';
import { ExecutionLogsController } from './output/execution-logs.controller.js';
import { QueueProbe } from './placement/queue.probe.js';
import { BadgesController } from './statistics/badges.controller.js';
import { BadgesService } from './statistics/badges.service.js';
import { PipelineStatsController } from './statistics/pipeline-stats.controller.js';
import { PipelineStatsService } from './statistics/pipeline-stats.service.js';

/** Executions with their routes. */
@Module({
  imports: [AccountsModule, ExecutionsModule, RepositoriesModule],
  controllers: [
    ExecutionsController,
    ExecutionLogsController,
    ArtifactsController,
    TestReportsController,
    CachesController,
    PipelineStatsController,
    BadgesController,
  ],
  providers: [
    ExecutionsService,
    ExecutionExplainer,
    ExecutionWaits,
    StepApprovals,
    RecentlyFinished,
    ExecutionLogs,
    ExecutionViews,
    ArtifactReader,
    ExpiredArtifacts,
    PipelineTestsService,
    UnusedCaches,
    {
      provide: CacheStore,
      inject: [ObjectStore, CachesRepository, MillraceConfig],
      useFactory: (
        objects: ObjectStore,
        caches: CachesRepository,
        { maxCacheSize }: MillraceConfig,
      ) => new CacheStore(objects, caches, maxCacheSize),
    },
    PipelineStatsService,
    BadgesService,
  ],
})
export class ExecutionsApiModule implements OnModuleInit {
  constructor(
    private readonly health: HealthRegistry,
    private readonly jobs: JobQueue,
  ) {}

  onModuleInit(): void {
    this.health.register(new QueueProbe(this.jobs));
  }
}
