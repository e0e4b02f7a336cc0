import { Module } from '@nestjs/common';
import { scratchFolders } from '../common/scratch/scratch-folders.js';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { JobQueueModule } from '../integrations/job-queue/job-queue.module.js';
import { RepositoriesModule } from '../repositories/repositories.module.js';
import { FolderDetector } from './folder-detector.js';
import { SCRATCH_FOLDER } from './repository-job.js';
import { DeployHints } from '../executions/attempt/steps/deploy-hints.js';
import { StartCommands } from '../executions/attempt/steps/start-commands.js';
import { DetectedHints } from './worker/detected-hints.js';
import { DetectedStarts } from './worker/detected-starts.js';
import { DetectionsConsumer } from './worker/detections.consumer.js';
import { RepositoryDetector } from './worker/repository-detector.js';

/** A worker clones what is to be detected, since it has git. Needs `GitModule`. */
@Module({
  imports: [RepositoriesModule, JobQueueModule, EventBusModule],
  providers: [
    DetectionsConsumer,
    RepositoryDetector,
    FolderDetector,
    {
      provide: StartCommands,
      inject: [FolderDetector],
      useFactory: (detector: FolderDetector) => new DetectedStarts(detector),
    },
    {
      provide: DeployHints,
      inject: [FolderDetector],
      useFactory: (detector: FolderDetector) => new DetectedHints(detector),
    },
    scratchFolders(SCRATCH_FOLDER),
  ],
  exports: [StartCommands, DeployHints],
})
export class DetectionsWorkerModule {}
