import { Module } from '@nestjs/common';
import { LogLevelController } from './log-level.controller.js';
import { LogLevelModule } from './log-level.module.js';

/** The level of the log with its routes. */
@Module({ imports: [LogLevelModule], controllers: [LogLevelController] })
export class LogLevelApiModule {}
