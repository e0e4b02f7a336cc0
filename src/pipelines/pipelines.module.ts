import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { YamlCompiler } from './compile/yaml-compiler.js';
import { pipelineModel, pipelineSchema } from './definitions/pipeline.schema.js';
import { PipelinesRepository } from './definitions/pipelines.repository.js';
import { PipelinesService } from './definitions/pipelines.service.js';
import { pipelineVersionModel, pipelineVersionSchema } from './versions/pipeline-version.schema.js';
import { PipelineVersionsRepository } from './versions/pipeline-versions.repository.js';
import { planModel, planSchema } from './versions/plan.schema.js';
import { PlansRepository } from './versions/plans.repository.js';
import { PlansService } from './versions/plans.service.js';

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
