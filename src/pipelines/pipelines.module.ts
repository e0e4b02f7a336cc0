import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { YamlCompiler } from './compile/yaml-compiler.js';
import { PIPELINE_MODEL, pipelineSchema } from './definitions/pipeline.schema.js';
import { PipelineSealing } from './definitions/pipeline-sealing.js';
import { PipelinesRepository } from './definitions/pipelines.repository.js';
import { PipelinesService } from './definitions/pipelines.service.js';
import {
  PIPELINE_VERSION_MODEL,
  pipelineVersionSchema,
} from './versions/pipeline-version.schema.js';
import { PipelineVersionsRepository } from './versions/pipeline-versions.repository.js';
import { PLAN_MODEL, planSchema } from './versions/plan.schema.js';
import { PlansRepository } from './versions/plans.repository.js';
import { PlansService } from './versions/plans.service.js';

/** Pipelines without their routes: for the API and the workers. */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: PIPELINE_MODEL, schema: pipelineSchema },
      { name: PIPELINE_VERSION_MODEL, schema: pipelineVersionSchema },
      { name: PLAN_MODEL, schema: planSchema },
    ]),
  ],
  providers: [
    PipelinesService,
    PipelineSealing,
    PipelinesRepository,
    PipelineVersionsRepository,
    PlansRepository,
    PlansService,
    YamlCompiler,
  ],
  exports: [PipelinesService, PlansService, YamlCompiler],
})
export class PipelinesModule {}
