import { Module } from '@nestjs/common';
import { Counters } from './counters.js';
import { RedisCounters } from './redis-counters.js';

@Module({
  providers: [{ provide: Counters, useClass: RedisCounters }],
  exports: [Counters],
})
export class CountersModule {}
