import { Module } from '@nestjs/common';
import { PipelinesController } from './pipelines.controller.js';
import { PipelinesModule } from './pipelines.module.js';

/** Pipelines with their routes: for the API only. */
@Module({ imports: [PipelinesModule], controllers: [PipelinesController] })
export class PipelinesApiModule {}
