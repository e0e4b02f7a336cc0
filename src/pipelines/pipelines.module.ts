import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { pipelineVersionModel, pipelineVersionSchema } from './pipeline-version.schema.js';
import { PipelineVersionsRepository } from './pipeline-versions.repository.js';
import { pipelineModel, pipelineSchema } from './pipeline.schema.js';
import { PipelinesRepository } from './pipelines.repository.js';
import { PipelinesService } from './pipelines.service.js';
import { planModel, planSchema } from './plan.schema.js';
import { PlansRepository } from './plans.repository.js';
import { PlansService } from './plans.service.js';
import { YamlCompiler } from './yaml-compiler.js';

/** Pipelines without their routes: for the API and the workers. */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: pipelineModel, schema: pipelineSchema },
      { name: pipelineVersionModel, schema: pipelineVersionSchema },
      { name: planModel, schema: planSchema },
    ]),
  ],
  providers: [
    PipelinesService,
    PipelinesRepository,
    PipelineVersionsRepository,
    PlansRepository,
    PlansService,
    YamlCompiler,
  ],
  exports: [PipelinesService, PlansService, YamlCompiler],
})
export class PipelinesModule {}
