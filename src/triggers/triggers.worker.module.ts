import { Module } from '@nestjs/common';
import { scratchFolders } from '../common/scratch/scratch-folders.js';
import { ExecutionsModule } from '../executions/executions.module.js';
import { DeliveryDecider } from './decisions/delivery-decider.js';
import { ChangedFiles } from './definitions/changed-files.js';
import { RepositoryFiles } from './definitions/repository-files.js';
import { GitHeads } from './heads/git-heads.js';
import { HeadsSource } from './heads/heads-source.js';
import { MissedPushes } from './heads/missed-pushes.js';
import { PushClaims } from './heads/push-claims.js';
import { DeliveriesConsumer } from './processing/deliveries.consumer.js';
import { WebhookRuns } from './processing/webhook-runs.js';
import { PipelineDecider } from './decisions/pipeline-decider.js';
import { DeliveriesProcessor } from './processing/deliveries.processor.js';
import { ClosedPullRequests } from './pull-requests/closed-pull-requests.js';
import { CancelForEvent } from './supersede/cancel-for-event.js';
import { Superseder } from './supersede/superseder.js';
import { TriggersModule } from './triggers.module.js';

/** A worker decides deliveries, since it has git. Needs `GitModule`. */
@Module({
  imports: [TriggersModule, ExecutionsModule],
  providers: [
    DeliveriesConsumer,
    DeliveriesProcessor,
    DeliveryDecider,
    RepositoryFiles,
    ChangedFiles,
    scratchFolders('definitions'),
    Superseder,
    CancelForEvent,
    ClosedPullRequests,
    PushClaims,
    { provide: HeadsSource, useClass: GitHeads },
    MissedPushes,
    PipelineDecider,
    WebhookRuns,
  ],
})
export class TriggersWorkerModule {}
