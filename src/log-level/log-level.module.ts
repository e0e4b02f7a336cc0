import { Module } from '@nestjs/common';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { LogLevelService } from './log-level.service.js';
import { LogLevelStore } from './log-level.store.js';

/** The level of the log at run time: what every role has of it. */
@Module({
  imports: [EventBusModule],
  providers: [LogLevelService, LogLevelStore],
  exports: [LogLevelService],
})
export class LogLevelModule {}
