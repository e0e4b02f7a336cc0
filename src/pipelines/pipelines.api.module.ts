import { Module } from '@nestjs/common';
import { PipelineSchemaController } from './definitions/pipeline-schema.controller.js';
import { PipelinesController } from './definitions/pipelines.controller.js';
import { DryRunsController } from './dry-run/dry-runs.controller.js';
import { DryRunsService } from './dry-run/dry-runs.service.js';
import { PipelinesModule } from './pipelines.module.js';

/** Pipelines with their routes: for the API only. */
@Module({
  imports: [PipelinesModule],
  controllers: [PipelinesController, PipelineSchemaController, DryRunsController],
  providers: [DryRunsService],
})
export class PipelinesApiModule {}
