import { Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { ExecutionsModule } from '../executions/executions.module.js';
import { RepositoryPipelinesController } from './definitions/repository-pipelines.controller.js';
import { DeliveriesController } from './deliveries/deliveries.controller.js';
import { DeliveriesReconciler } from './deliveries/deliveries.reconciler.js';
import { DeliveryApprovals } from './deliveries/delivery-approvals.js';
import { SameCommitExecutions } from './deliveries/same-commit.js';
import { WebhookRefusals } from './deliveries/webhook-refusals.js';
import { WebhooksController } from './deliveries/webhooks.controller.js';
import { ForgeHeads } from './heads/forge-heads.js';
import { HeadsSource } from './heads/heads-source.js';
import { MissedPushes } from './heads/missed-pushes.js';
import { PipelineWebhooksController } from './pipeline-webhooks/pipeline-webhooks.controller.js';
import { ScheduleClock, SystemClock } from './schedules/schedule-clock.js';
import { PipelineDecider } from './decisions/pipeline-decider.js';
import { ScheduleStarter } from './schedules/schedule-starter.js';
import { ScheduleStore } from './schedules/schedule-store.js';
import {
  SCHEDULE_MODEL,
  type ScheduleDocument,
  scheduleSchema,
  TICK_MODEL,
  type TickDocument,
  tickSchema,
} from './schedules/schedule.schema.js';
import { Scheduler } from './schedules/scheduler.js';
import { SchedulesController } from './schedules/schedules.controller.js';
import { SchedulesRepository } from './schedules/schedules.repository.js';
import { SchedulesService } from './schedules/schedules.service.js';
import { StatusReporter } from './statuses/status-reporter.js';
import { TriggersModule } from './triggers.module.js';

/** Webhooks, schedules and what came of them, with their routes: for the API only. */
@Module({
  imports: [
    TriggersModule,
    ExecutionsModule,
    MongooseModule.forFeature([
      { name: SCHEDULE_MODEL, schema: scheduleSchema },
      { name: TICK_MODEL, schema: tickSchema },
    ]),
  ],
  controllers: [
    WebhooksController,
    DeliveriesController,
    PipelineWebhooksController,
    SchedulesController,
    RepositoryPipelinesController,
  ],
  providers: [
    WebhookRefusals,
    DeliveryApprovals,
    DeliveriesReconciler,
    { provide: HeadsSource, useClass: ForgeHeads },
    MissedPushes,
    SameCommitExecutions,
    StatusReporter,
    {
      provide: ScheduleStore,
      inject: [getModelToken(SCHEDULE_MODEL), getModelToken(TICK_MODEL)],
      useFactory: (schedules: Model<ScheduleDocument>, ticks: Model<TickDocument>) =>
        new SchedulesRepository(schedules, ticks),
    },
    { provide: ScheduleClock, useClass: SystemClock },
    PipelineDecider,
    ScheduleStarter,
    Scheduler,
    SchedulesService,
  ],
})
export class TriggersApiModule {}
