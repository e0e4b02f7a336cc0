import { Module } from '@nestjs/common';
import { WorkersController } from './workers.controller.js';
import { WorkersModule } from './workers.module.js';

@Module({ imports: [WorkersModule], controllers: [WorkersController] })
export class WorkersApiModule {}
