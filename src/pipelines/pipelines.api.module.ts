import { Module } from '@nestjs/common';
import { DryRunsController } from './dry-runs.controller.js';
import { DryRunsService } from './dry-runs.service.js';
import { PipelinesController } from './pipelines.controller.js';
import { PipelinesModule } from './pipelines.module.js';

/** Pipelines with their routes: for the API only. */
@Module({
  imports: [PipelinesModule],
  controllers: [PipelinesController, DryRunsController],
  providers: [DryRunsService],
})
export class PipelinesApiModule {}
