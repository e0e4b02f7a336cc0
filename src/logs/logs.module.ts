import { Module, type OnModuleInit } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { ExecutionParts } from '../common/retention/execution-parts.js';
import { EventBus } from '../integrations/event-bus/event-bus.js';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { LogReader } from './read/log-reader.js';
import { LogChunkStore } from './store/log-chunk-store.js';
import { LogChunkRepository } from './store/log-chunk.repository.js';
import { LogPart } from './store/log-part.js';
import {
  type LogChunkDocument,
  LOG_CHUNK_MODEL,
  logChunkSchema,
} from './store/log-chunk.schema.js';

/** Where logs are kept and how they are read. */
@Module({
  imports: [
    EventBusModule,
    MongooseModule.forFeature([{ name: LOG_CHUNK_MODEL, schema: logChunkSchema }]),
  ],
  providers: [
    {
      provide: LogChunkStore,
      inject: [getModelToken(LOG_CHUNK_MODEL)],
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
export class LogsModule implements OnModuleInit {
  constructor(
    private readonly parts: ExecutionParts,
    private readonly chunks: LogChunkStore,
  ) {}

  onModuleInit(): void {
    this.parts.register(new LogPart(this.chunks));
  }
}
