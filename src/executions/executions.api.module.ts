import { Module, type OnModuleInit } from '@nestjs/common';
import { HealthRegistry } from '../common/health/health-registry.js';
import { JobQueue } from '../integrations/job-queue/job-queue.js';
import { BadgesController } from './badges.controller.js';
import { BadgesService } from './badges.service.js';
import { ExecutionExplainer } from './execution-explainer.js';
import { FinishedLately } from './finished-lately.js';
import { ExecutionLogs } from './execution-logs.js';
import { ExecutionLogsController } from './execution-logs.controller.js';
import { ExecutionsController } from './executions.controller.js';
import { ExecutionsModule } from './executions.module.js';
import { ExecutionsService } from './executions.service.js';
import { PipelineStatsController } from './pipeline-stats.controller.js';
import { PipelineStatsService } from './pipeline-stats.service.js';
import { QueueProbe } from './queue.probe.js';

/** Executions with their routes. */
@Module({
  imports: [ExecutionsModule],
  controllers: [
    ExecutionsController,
    ExecutionLogsController,
    PipelineStatsController,
    BadgesController,
  ],
  providers: [
    ExecutionsService,
    ExecutionExplainer,
    FinishedLately,
    ExecutionLogs,
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
