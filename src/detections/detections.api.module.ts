import { Module } from '@nestjs/common';
import { scratchFolders } from '../common/scratch/scratch-folders.js';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { JobQueueModule } from '../integrations/job-queue/job-queue.module.js';
import { RepositoriesModule } from '../repositories/repositories.module.js';
import { WorkersModule } from '../workers/workers.module.js';
import { DetectionsController } from './detections.controller.js';
import { FolderDetector } from './folder-detector.js';
import { RepositoryDetections } from './repository-detections.js';
import { SCRATCH_FOLDER } from './repository-job.js';

/** What projects are, with its routes: for the API only. */
@Module({
  imports: [RepositoriesModule, WorkersModule, JobQueueModule, EventBusModule],
  controllers: [DetectionsController],
  providers: [RepositoryDetections, FolderDetector, scratchFolders(SCRATCH_FOLDER)],
})
export class DetectionsApiModule {}
