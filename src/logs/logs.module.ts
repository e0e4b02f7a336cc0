import { Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { EventBus } from '../integrations/event-bus/event-bus.js';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { LogChunkRepository } from './log-chunk.repository.js';
import { type LogChunkDocument, logChunkModel, logChunkSchema } from './log-chunk.schema.js';
import { LogChunkStore } from './log-chunk-store.js';
import { LogReader } from './log-reader.js';

/** Where logs are kept and how they are read. */
@Module({
  imports: [
    EventBusModule,
    MongooseModule.forFeature([{ name: logChunkModel, schema: logChunkSchema }]),
  ],
  providers: [
    {
      provide: LogChunkStore,
      inject: [getModelToken(logChunkModel)],
      useFactory: (model: Model<LogChunkDocument>) => new LogChunkRepository(model),
    },
    {
      provide: LogReader,
      inject: [LogChunkStore, EventBus],
      useFactory: (store: LogChunkStore, bus: EventBus) => new LogReader(store, bus),
    },
  ],
  exports: [LogChunkStore, LogReader],
})
export class LogsModule {}
