import { Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { JobQueueModule } from '../integrations/job-queue/job-queue.module.js';
import { PipelinesModule } from '../pipelines/pipelines.module.js';
import { RepositoriesModule } from '../repositories/repositories.module.js';
import { DeliveriesRepository } from './deliveries/deliveries.repository.js';
import {
  HEAD_CHECK_MODEL,
  HEAD_MODEL,
  type HeadCheckDocument,
  headCheckSchema,
  type HeadDocument,
  headSchema,
  PUSH_MODEL,
  type PushDocument,
  pushSchema,
} from './heads/head.schema.js';
import { HeadStore } from './heads/head-store.js';
import { HeadsRepository } from './heads/heads.repository.js';
import { COMMIT_STATUS_MODEL, commitStatusSchema } from './statuses/commit-status.schema.js';
import { CommitStatusesRepository } from './statuses/commit-statuses.repository.js';
import { DeliveryInbox } from './deliveries/delivery-inbox.js';
import {
  PIPELINE_WEBHOOK_MODEL,
  pipelineWebhookSchema,
} from './pipeline-webhooks/pipeline-webhook.schema.js';
import { PipelineWebhooksRepository } from './pipeline-webhooks/pipeline-webhooks.repository.js';
import { PipelineWebhooks } from './pipeline-webhooks/pipeline-webhooks.service.js';
import { DeliveryJobs } from './deliveries/delivery-jobs.js';
import {
  DELIVERY_BODY_MODEL,
  DELIVERY_KEY_MODEL,
  DELIVERY_MODEL,
  deliveryBodySchema,
  deliveryKeySchema,
  deliverySchema,
} from './deliveries/delivery.schema.js';

/** Deliveries as API and workers have them. */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: DELIVERY_MODEL, schema: deliverySchema },
      { name: DELIVERY_BODY_MODEL, schema: deliveryBodySchema },
      { name: DELIVERY_KEY_MODEL, schema: deliveryKeySchema },
      { name: PIPELINE_WEBHOOK_MODEL, schema: pipelineWebhookSchema },
      { name: HEAD_MODEL, schema: headSchema },
      { name: PUSH_MODEL, schema: pushSchema },
      { name: HEAD_CHECK_MODEL, schema: headCheckSchema },
      { name: COMMIT_STATUS_MODEL, schema: commitStatusSchema },
    ]),
    JobQueueModule,
    PipelinesModule,
    RepositoriesModule,
  ],
  providers: [
    DeliveriesRepository,
    DeliveryJobs,
    DeliveryInbox,
    PipelineWebhooks,
    PipelineWebhooksRepository,
    CommitStatusesRepository,
    {
      provide: HeadStore,
      inject: [
        getModelToken(HEAD_MODEL),
        getModelToken(PUSH_MODEL),
        getModelToken(HEAD_CHECK_MODEL),
      ],
      useFactory: (
        heads: Model<HeadDocument>,
        pushes: Model<PushDocument>,
        checks: Model<HeadCheckDocument>,
      ) => new HeadsRepository(heads, pushes, checks),
    },
  ],
  exports: [
    DeliveriesRepository,
    DeliveryJobs,
    DeliveryInbox,
    PipelineWebhooks,
    CommitStatusesRepository,
    HeadStore,
    JobQueueModule,
    RepositoriesModule,
  ],
})
export class TriggersModule {}
